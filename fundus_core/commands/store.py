"""``store``: a copy of the store to keep elsewhere, taken while it is in use, and the way back."""

from __future__ import annotations

import argparse
from pathlib import Path

from fundus_core.commands.frame import (
    DONE,
    SOME_REFUSED,
    Parser,
    Verbs,
    add_json,
    add_store,
    bar,
    say,
    say_json,
    store_of,
    upto,
    verb,
)
from fundus_core.store import Copied, Store, back_up, restore


def add(verbs: Verbs[Parser]) -> None:
    """Say what may be asked."""
    parser = verb(verbs, "store", "back the store up, put a backup back", _back_up)
    parts = parser.add_subparsers(title="what", required=True, metavar="WHAT", parser_class=Parser)
    out = verb(
        parts, "backup", "copy the store to a folder, also while a run is writing; again adds what is new", _back_up
    )
    out.add_argument("to", type=Path, metavar="DIR", help="a new folder, or an earlier backup of the same store")
    back = verb(parts, "restore", "put a backup back, each photograph compared with its hash", _restore)
    back.add_argument("source", type=Path, metavar="DIR", help="the folder that backup made")
    back.add_argument("--replace", action="store_true", help="put a database that works aside (stop the app first)")
    for each in (out, back):
        add_store(each)
        add_json(each)


def _back_up(options: argparse.Namespace) -> int:
    where, files = store_of(options)
    with Store.open_existing(where, files=files) as store, bar() as shown:
        copied = back_up(store, options.to, progress=upto(shown))
    return _ended(options, copied, options.to)


def _restore(options: argparse.Namespace) -> int:
    where, files = store_of(options)
    with bar() as shown:
        copied = restore(options.source, where, files=files, replace=options.replace, progress=upto(shown))
    with Store.open(where, files=files):  # it opens: what was put back is a store
        pass
    return _ended(options, copied, Path(files or where))


def _ended(options: argparse.Namespace, copied: Copied, where: Path) -> int:
    status = SOME_REFUSED if copied.missing or copied.damaged else DONE
    if options.json:
        say_json({**{name: getattr(copied, name) for name in copied.__slots__}, "where": where})
        return status
    say(f"{copied.cohorts} cohorts and {copied.photographs} photographs are in {where} ({copied.new} copied now)")
    if copied.elsewhere:
        say(f"{copied.elsewhere} photographs lie in folders of their own and are not copied; back those folders up too")
    for word, names in (("missing", copied.missing), ("damaged", copied.damaged)):
        for sha256 in names:
            say(f"{word}: {sha256}")
    return status
