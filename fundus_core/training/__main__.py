"""``python -m fundus_core.training``: the same as ``python -m fundus_core train``, for ``torchrun -m``."""

import argparse
import sys

from fundus_core.errors import FundusError
from fundus_core.training.command import add_options, run


def main(words: list[str]) -> int:
    """Parse, train, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m fundus_core train", description="Train a network.")
    add_options(parser)
    try:
        run(parser.parse_args(words), words)
    except FundusError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
