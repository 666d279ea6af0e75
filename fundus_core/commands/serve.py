"""``serve``: the dashboard, on any system that Python runs on."""

import argparse
import subprocess
import tomllib
from pathlib import Path

from fundus_core import processes
from fundus_core.commands.frame import Parser
from fundus_core.errors import UsageError

_CORE = Path(__file__).resolve().parents[2]
PLACES = (_CORE, _CORE / "fundus_lab")
"""Where the dashboard lies: beside the core in a copy of the project, in a package of its own where it is installed."""


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    parser.add_argument("--port", type=int, default=8501, metavar="N", help="(8501)")
    parser.add_argument("--address", default="127.0.0.1", metavar="HOST", help="who may reach it (this machine alone)")


def _run(options: argparse.Namespace) -> int:
    folder = next((place for place in PLACES if (place / "app.py").is_file()), None)
    if folder is None:
        message = "The dashboard does not lie beside the core; install the project whole (pip install .)."
        raise UsageError(message)
    own = {"server.port": options.port, "server.address": options.address}
    flags = [f"--{name}={_word(value)}" for name, value in {**_settings(folder), **own}.items()]
    words = processes.command("streamlit", "run", folder / "app.py", *flags)
    return subprocess.call(words, env=processes.environment())  # noqa: S603 - our own interpreter and our own file


def _settings(folder: Path) -> dict[str, object]:
    """Return the dashboard's settings, which Streamlit reads by itself only from the folder where it is started."""
    file = folder / ".streamlit" / "config.toml"
    found = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {
        f"{section}.{name}": value
        for section, values in found.items()
        for name, value in values.items()
        if not isinstance(value, dict | list)
    }


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
