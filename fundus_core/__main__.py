"""The command line: ``python -m fundus_core VERB``; the same verbs as the pages.

Exit status: 0 done; 1 done, and some photographs were refused or failed (all listed); 2 the call itself is at
fault (one clear sentence, nothing written).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fundus_core import __version__, targets
from fundus_core.commands import (
    benchmark,
    compare,
    deidentify,
    doctor,
    evaluate,
    explain,
    inspect,
    models,
    predict,
    store,
    synthesise,
    train,
    work,
)
from fundus_core.commands.frame import AT_FAULT, INTERRUPTED, Parser
from fundus_core.errors import FundusError

VERBS = (
    synthesise,
    inspect,
    predict,
    evaluate,
    compare,
    deidentify,
    explain,
    benchmark,
    models,
    train,
    work,
    store,
    doctor,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    parser = Parser(prog="python -m fundus_core", description="Validate models that read fundus photographs.")
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", parser_class=Parser)
    for each in VERBS:
        each.add(verbs)
    options = parser.parse_args(arguments)
    options.words = list(sys.argv[2:] if arguments is None else arguments[1:])
    try:
        targets.check()
        return int(options.run(options))
    except FundusError as error:
        print(f"fundus_core {sys.argv[1] if arguments is None else arguments[0]}: {error}", file=sys.stderr)
        return AT_FAULT
    except KeyboardInterrupt:
        print("fundus_core: stopped; call the same command again to go on.", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
