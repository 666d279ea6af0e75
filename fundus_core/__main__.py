"""The command line: ``python -m fundus_core VERB``; the same verbs as the pages.

Exit status: 0 done; 1 done, and some photographs were refused or failed (all listed); 2 the call itself is at
fault (one clear sentence, nothing written).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from fundus_core import __version__, targets
from fundus_core.commands.frame import AT_FAULT, DONE, INTERRUPTED, Parser, in_words
from fundus_core.errors import FundusError

VERBS: Mapping[str, str] = {
    "synthesise": "render a cohort whose best possible error is known",
    "inspect": "say what each photograph is, without a model",
    "predict": "let models read photographs; called again it goes on",
    "decide": "accept photographs that were refused, withdraw others, list who decided what",
    "evaluate": "compare predictions with measured values",
    "compare": "compare cohorts: case mix, errors, case-mix-adjusted differences",
    "deidentify": "write photographs and their table without what identifies people",
    "explain": "map where a model looks in one photograph, and test the map",
    "benchmark": "measure speed against the plain way and the machine's limit",
    "models": "list models, show a card, import weights, check a model",
    "train": "train a network; called again after a kill, it goes on",
    "cluster": "let a Ray cluster work off a run",
    "store": "back the store up, put a backup back",
    "doctor": "look the store and this machine over; removes nothing",
    "serve": "start the dashboard",
}
"""What can be asked. Each has a module of its name in ``commands``, loaded, with the rooms it needs, when it is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = Parser(prog="python -m fundus_core", description="Validate models that read fundus photographs.")
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", parser_class=Parser)
    for name, text in VERBS.items():
        one = verbs.add_parser(name, help=text, description=text)
        if words[:1] == [name]:
            import_module(f"fundus_core.commands.{name}").add(one)
    options = parser.parse_args(words)
    options.words = words[1:]
    try:
        targets.check()
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except FundusError as error:
        print(f"fundus_core {words[0]}: {in_words(error)}", file=sys.stderr)
        return AT_FAULT
    except BrokenPipeError:  # whoever read it has read enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        print("fundus_core: stopped; call the same command again to go on.", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
