"""What only some systems have is asked for before it is used, and the requirements are those that are used.

Attacked by: importing every module that names a part of Python which Windows lacks, with that part taken away.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.sources import nodes_of

ROOT = Path(__file__).resolve().parents[1]
FILES = [ROOT / "app.py", *sorted((ROOT / "fundus_core").rglob("*.py")), *sorted((ROOT / "pages").rglob("*.py"))]
ABSENT = {"fcntl", "grp", "posix", "pwd", "resource", "syslog", "termios", "tty", "pty", "spwd", "nis", "crypt"}
"""Modules that Windows lacks."""
LACKING = {
    "os": {
        *("fork", "forkpty", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getpgid", "getloadavg", "nice"),
        *("setsid", "setuid", "setgid", "killpg", "chown", "fchown", "fchmod", "mkfifo", "mknod", "statvfs", "sysconf"),
        *("sched_getaffinity", "sched_setaffinity", "unshare", "uname", "wait", "wait3", "wait4", "pread", "pwrite"),
        *("O_NOFOLLOW", "O_CLOEXEC", "O_DIRECTORY", "O_NONBLOCK", "O_PATH", "O_SYNC", "O_NOATIME", "WNOHANG"),
    },
    "signal": {"SIGKILL", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCHLD", "SIGPIPE", "alarm"},
    "time": {"tzset"},
    "socket": {"AF_UNIX", "SO_REUSEPORT"},
}
"""What Windows lacks of modules that it has."""
ONLY_LINUX = {
    "fundus_core/confined/landlock.py": "called by confined/sandbox.py after it has asked for Linux",
    "fundus_core/confined/__main__.py": "forks only where namespaces have been left, which asks for Linux",
}
"""Files whose caller asks."""
ASKS = re.compile(r"sys\.platform|os\.name|hasattr|getattr|AttributeError|ImportError|platform\.system")


def parents(nodes: Sequence[ast.AST]) -> dict[ast.AST, ast.AST]:
    return {child: node for node in nodes for child in ast.iter_child_nodes(node)}


def used(nodes: Sequence[ast.AST]) -> Iterator[tuple[ast.AST, str]]:
    """Yield what a file uses of that which Windows lacks."""
    for node in nodes:
        match node:
            case ast.Import(names=names):
                yield from ((node, each.name) for each in names if each.name in ABSENT)
            case ast.ImportFrom(module=module) if module in ABSENT:
                yield node, str(module)
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if name in LACKING.get(owner, ()):
                yield node, f"{owner}.{name}"


def is_asked_for(node: ast.AST, above: dict[ast.AST, ast.AST]) -> bool:
    """Whether a condition, a handler or a line before it in the same function asks what system this is."""
    at = node
    while at in above:
        at = above[at]
        if isinstance(at, ast.Try | ast.With | ast.If | ast.IfExp | ast.BoolOp) and ASKS.search(ast.unparse(at)):
            return True
        if isinstance(at, ast.FunctionDef):
            before = [each for each in at.body if isinstance(each, ast.If) and each.lineno < node.lineno]  # type: ignore[attr-defined]
            return any(ASKS.search(ast.unparse(each.test)) and isinstance(each.body[-1], ast.Return) for each in before)
    return False


def unasked(nodes: Sequence[ast.AST]) -> list[str]:
    found = list(used(nodes))
    above = parents(nodes) if found else {}
    return sorted({name for node, name in found if not is_asked_for(node, above)})


def test_what_windows_lacks_is_asked_for() -> None:
    found = {path.relative_to(ROOT).as_posix(): unasked(nodes_of(path)) for path in FILES}
    assert {name: names for name, names in found.items() if names and name not in ONLY_LINUX} == {}
    assert {name for name in ONLY_LINUX if not found.get(name)} == set(), "needs no exception any more"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import fcntl", ["fcntl"]),
        ("try:\n    import fcntl\nexcept ImportError:\n    fcntl = None", []),
        ("import os\ndef f():\n    return os.geteuid()", ["os.geteuid"]),
        ("import os, sys\ndef f():\n    if sys.platform == 'win32':\n        return 0\n    return os.geteuid()", []),
        ("import os\nx = os.geteuid() if hasattr(os, 'geteuid') else 0", []),
        ("import os, sys\nif sys.platform == 'linux':\n    import resource", []),
        ("import signal\ndef stop(p):\n    if p:\n        p.send_signal(signal.SIGKILL)", ["signal.SIGKILL"]),
    ],
)
def test_the_look_out_sees_what_it_should(source: str, found: list[str]) -> None:
    assert unasked(list(ast.walk(ast.parse(source)))) == found


WITHOUT = """
import builtins, importlib, sys
whole, absent = builtins.__import__, set(sys.argv[1].split(","))
def lacking(name, globals=None, *rest, **named):
    if name in absent and str((globals or {}).get("__name__")).startswith(("fundus_core", "pages")):
        raise ImportError(name)
    return whole(name, globals, *rest, **named)
builtins.__import__ = lacking
for module in sys.argv[2:]:
    importlib.import_module(module)
"""


def test_modules_come_in_where_those_parts_are_missing() -> None:
    naming = [path for path in FILES if any(True for _ in used(nodes_of(path)))]
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in naming]
    modules = [name.removesuffix(".__init__") for name in modules if not name.startswith("pages")]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, ",".join(sorted(ABSENT)), *modules], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_no_path_of_one_system_stands_alone() -> None:
    """``/proc`` and the like may be asked whether they are there; a folder for what passes is Python's to name."""
    for path in FILES:
        texts = {
            node.value for node in nodes_of(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not {text for text in texts if re.match(r"/(tmp|var|home|root)(/|$)", text)}, path


BY_OTHERS = {
    "torchvision": "timm imports it; pinned beside torch",
    "matplotlib-fontja": "its font's file is read",
    "python-gdcm": "pydicom decodes with it",
    "pi-heif": "Pillow decodes HEIC with its plugin",
    "pylibjpeg": "pydicom decodes with it",
    "pylibjpeg-openjpeg": "pydicom decodes with it",
    "python-multipart": "starlette reads uploads with it",
    "flask-cors": "moto.server imports it",
    "pytest-xdist": "named in pyproject.toml",
    "pytest-timeout": "named in pyproject.toml",
    "ruff": "a command",
    "mypy": "a command",
    "pandas-stubs": "read by mypy",
    "types-tqdm": "read by mypy",
    "psycopg": "SQLAlchemy opens postgresql+psycopg with it",
    "authlib": "st.login signs people in with it",
    "httpx": "Authlib asks the identity provider with it",
}
"""Requirements that no file of ours imports, and what does."""
COMES_WITH = {"starlette": "streamlit", "google": "onnx"}
"""Modules that another requirement brings and that are part of what it offers."""


def required(file: str) -> set[str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    names = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines if not line.startswith(("-", "#")))
    return {name.group().lower().replace("_", "-") for name in names if name}


def imported(*folders: str) -> set[str]:
    """Top names of the modules that files import, ours and Python's left out."""
    found: set[str] = set()
    for path in [ROOT / "app.py", *(file for folder in folders for file in (ROOT / folder).rglob("*.py"))]:
        for node in nodes_of(path):
            if isinstance(node, ast.Import):
                found.update(each.name.split(".")[0] for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).split(".")[0])
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("importorskip"):
                found.add(ast.literal_eval(node.args[0]).split(".")[0])
    return found - sys.stdlib_module_names - {"fundus_core", "pages"}


known = cache(packages_distributions)  # reads what every installed package says of itself


def of_modules(modules: set[str]) -> set[str]:
    return {name.lower().replace("_", "-") for module in modules for name in known().get(module, ())}


def test_every_requirement_is_used_and_every_import_is_required() -> None:
    runs, tests = required("requirements.txt"), required("requirements-dev.txt")
    ours = imported("fundus_core", "pages")
    assert runs - of_modules(ours) - set(BY_OTHERS) == set(), "imported by nobody"
    assert {name for name in ours - set(COMES_WITH) if not of_modules({name}) & runs} == set(), "not required"
    assert tests - of_modules(imported("tests")) - set(BY_OTHERS) == set(), "imported by no test"
    assert set(BY_OTHERS) <= runs | tests
    assert not runs & tests


def test_text_files_name_their_encoding() -> None:
    """Where none is named, Windows takes its own (in Japan cp932) and Python on a bare machine ASCII."""
    rule = [sys.executable, "-m", "ruff", "check", "--preview", "--select", "PLW1514", "--quiet", "--no-cache", "."]
    done = subprocess.run(rule, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout
