"""``benchmark``: one table of ratios, measured side by side in one run."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from fundus_core.benchmark.plan import FULL, QUICK
from fundus_core.benchmark.result import read, text
from fundus_core.commands.frame import DONE, Parser, say


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write every number there, too")
    parser.add_argument("--reading", action="store_true", help="only what reading a photograph costs, by step")
    parser.add_argument("--quick", action="store_true", help="only show that every part works")


def _run(options: argparse.Namespace) -> int:
    from fundus_core.benchmark.measure import measure, reading  # torch: other verbs need not wait for it

    plan = QUICK if options.quick else FULL
    if options.reading:
        steps = reading(plan, tell=_tell)
        say("\n".join(f"{network}: {read(each)}" for network, each in steps.items()))
        numbers: Mapping[str, object] = {"steps": steps}
    else:
        found = measure(plan, tell=_tell)
        say(text(found))
        numbers = found.as_json()
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False)
        options.out.write_text(content + "\n", encoding="utf-8")
    return DONE


def _tell(what: str) -> None:
    print(f"benchmark: {what}", file=sys.stderr, flush=True)
