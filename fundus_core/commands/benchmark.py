"""``benchmark``: one table of ratios, measured side by side in one run."""

import argparse
import json
import sys
from pathlib import Path

from fundus_core.benchmark.plan import FULL, QUICK
from fundus_core.benchmark.result import text
from fundus_core.commands.frame import DONE, Parser, say


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write every number there, too")
    parser.add_argument("--quick", action="store_true", help="only show that every part works")


def _run(options: argparse.Namespace) -> int:
    from fundus_core.benchmark.measure import measure  # torch: other verbs need not wait for it

    found = measure(QUICK if options.quick else FULL, tell=_tell)
    say(text(found))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps(found.as_json(), indent=2, ensure_ascii=False, allow_nan=False)
        options.out.write_text(content + "\n", encoding="utf-8")
    return DONE


def _tell(what: str) -> None:
    print(f"benchmark: {what}", file=sys.stderr, flush=True)
