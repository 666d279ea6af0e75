"""What source files say, read once for all laws that a process holds them against."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def tree_of(path: Path) -> ast.Module:
    """Return a file as Python parses it."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return every node of a file, as ``ast.walk`` goes through them."""
    return tuple(ast.walk(tree_of(path)))
