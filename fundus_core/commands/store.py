"""``store``: a copy of the store to keep elsewhere and the way back, and what is done with whole cohorts."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from fundus_core import jobs, pipeline, processes
from fundus_core.commands import frame
from fundus_core.store import AuditLog, Copied, Person, Store, back_up, restore


def add(parser: frame.Parser) -> None:
    """Say what may be asked."""
    parts = parser.add_subparsers(title="what", required=True, metavar="WHAT", parser_class=frame.Parser)
    out = frame.verb(
        parts, "backup", "copy the store to a folder, also while a run is writing; again adds what is new", _back_up
    )
    out.add_argument("to", type=Path, metavar="DIR", help="a new folder, or an earlier backup of the same store")
    back = frame.verb(parts, "restore", "put a backup back, each photograph compared with its hash", _restore)
    back.add_argument("source", type=Path, metavar="DIR", help="the folder that backup made")
    back.add_argument("--replace", action="store_true", help="put a database that works aside (stop the app first)")
    computed = frame.verb(
        parts, "compute", "compute every analysis of a large cohort and keep it for the pages", _compute
    )
    computed.add_argument("cohort", metavar="COHORT", help="its name")
    computed.add_argument("--model", required=True, metavar="ID", help="a model that the cohort was put through")
    computed.add_argument("--level", default="", metavar="LEVEL", help="of observation (the usual one)")
    computed.add_argument(
        "--beside", type=Path, metavar="FILE", help="what a page wrote of cohorts side by side: what is compared then"
    )
    computed.add_argument("--out", type=Path, metavar="DIR", help="keep there how far it is")
    _add_whole(parts)
    own = frame.verb(parts, "own", "make a cohort somebody's, where several people share a server", _own)
    own.add_argument("cohort", metavar="COHORT", help="its name")
    own.add_argument("person", metavar="PERSON", help="as they sign in, such as name@hospital.example")
    for each in (out, back, own, computed):
        frame.shared(each, *frame.STORE)
    for each in (out, back):
        frame.shared(each, "--json")


def _add_whole(parts: frame.Verbs[frame.Parser]) -> None:
    export = frame.verb(parts, "export", "write a cohort to one file for another store", _export)
    export.add_argument("cohort", metavar="COHORT", help="its name")
    export.add_argument("to", type=Path, metavar="FILE.zip", help="a new file")
    export.add_argument("--rows-only", action="store_true", help="without the photographs' bytes")
    taken = frame.verb(parts, "import", "read a file of export into a new cohort", _import)
    taken.add_argument("file", type=Path, metavar="FILE.zip", help="what export wrote")
    taken.add_argument("--name", metavar="COHORT", help="as it shall be called (as in the file)")
    merged = frame.verb(parts, "merge", "make one cohort of several", _merge)
    merged.add_argument("cohorts", nargs="+", metavar="COHORT", help="their names")
    merged.add_argument("--name", required=True, metavar="COHORT", help="of the new one")
    merged.add_argument("--same-people", action="store_true", help="one patient id means one person in all of them")
    deleted = frame.verb(parts, "delete", "delete a cohort with all that no other shares", _delete)
    deleted.add_argument("cohort", metavar="COHORT", help="its name")
    for each in (export, taken, merged, deleted):
        each.add_argument("--out", type=Path, metavar="DIR", help="keep there how far it is")
        each.add_argument(
            "--for",
            nargs=4,
            dest="person",
            metavar=("PERSON", "ADDRESS", "PHOTOGRAPHS", "BYTES"),
            help="whose it is on a shared server, from where, and how much they may keep",
        )
        frame.shared(each, *frame.STORE)


@contextlib.contextmanager
def _whole(options: argparse.Namespace) -> Iterator[tuple[Store, jobs.Notice]]:
    """The store, asked for whom it is said, and where to say how far it is; done where nothing was raised."""
    where, files = frame.store_of(options)
    notice = jobs.Notice(options.out)
    with Store.open_existing(where, files=files) as store:
        if options.person:
            name, address, photographs, size = options.person
            log = AuditLog(store.shelf.folder)
            most, kept = float(photographs), float(size)
            store = store.asked_by(Person(name, log, address=address, most_photographs=most, most_bytes=kept))
        notice.say(jobs.WORKING)
        yield store, notice
    if options.out:
        jobs.keep(options.out, {})
    notice.say(jobs.DONE)


def _export(options: argparse.Namespace) -> int:
    with _whole(options) as (store, notice):
        told = partial(notice.say, jobs.WORKING)
        store.export(options.cohort, options.to, photographs=not options.rows_only, progress=told)
    frame.say("{cohort} is in {where}", cohort=options.cohort, where=options.to)
    return frame.DONE


def _import(options: argparse.Namespace) -> int:
    with _whole(options) as (store, notice):
        made = store.import_(options.file, name=options.name, progress=partial(notice.say, jobs.WORKING))
    frame.say("{cohort}: {n} {n:photograph|photographs}", cohort=made.name, n=made.photographs)
    return frame.DONE


def _merge(options: argparse.Namespace) -> int:
    with _whole(options) as (store, notice):
        told = partial(notice.say, jobs.WORKING)
        made = store.merge(options.cohorts, options.name, same_people=options.same_people, progress=told)
    frame.say("{cohort}: {n} {n:photograph|photographs}", cohort=made.name, n=made.photographs)
    return frame.DONE


def _delete(options: argparse.Namespace) -> int:
    with _whole(options) as (store, notice):
        store.delete(options.cohort, progress=partial(notice.say, jobs.WORKING))
    frame.say("{cohort} is deleted", cohort=options.cohort)
    return frame.DONE


def _back_up(options: argparse.Namespace) -> int:
    where, files = frame.store_of(options)
    with Store.open_existing(where, files=files) as store, frame.bar() as shown:
        copied = back_up(store, options.to, progress=frame.upto(shown))
    return _ended(options, copied, options.to)


def _compute(options: argparse.Namespace) -> int:
    processes.give_back_at_once()
    where, files = frame.store_of(options)
    with Store.open_existing(where, files=files) as store:
        cohort = store.cohort(options.cohort)
        if options.beside:
            n = pipeline.compute_together(store, options.beside, job=options.out)
        else:
            n = pipeline.compute(store, cohort, options.model, options.level, job=options.out)
    frame.say("{n:,} {n:analysis|analyses} of {cohort} are kept", n=n, cohort=options.cohort)
    return frame.DONE


def _own(options: argparse.Namespace) -> int:
    where, files = frame.store_of(options)
    with Store.open_existing(where, files=files) as store:
        store.give(options.cohort, options.person)
    frame.say("{cohort} is {person}'s", cohort=options.cohort, person=options.person.casefold())
    return frame.DONE


def _restore(options: argparse.Namespace) -> int:
    where, files = frame.store_of(options)
    with frame.bar() as shown:
        copied = restore(options.source, where, files=files, replace=options.replace, progress=frame.upto(shown))
    with Store.open(where, files=files):  # it opens: what was put back is a store
        pass
    return _ended(options, copied, Path(files or where))


def _ended(options: argparse.Namespace, copied: Copied, where: Path) -> int:
    status = frame.SOME_REFUSED if copied.missing or copied.damaged else frame.DONE
    if options.json:
        frame.say_json({**{name: getattr(copied, name) for name in copied.__slots__}, "where": where})
        return status
    frame.say(
        "{cohorts} {cohorts:cohort|cohorts} and {n} {n:photograph|photographs} are in {where} ({new} copied now)",
        cohorts=copied.cohorts,
        n=copied.photographs,
        where=where,
        new=copied.new,
    )
    if copied.elsewhere:
        frame.say(
            "{n} {n:photograph lies|photographs lie} in folders of their own and {n:is|are} not copied; "
            "back those folders up too",
            n=copied.elsewhere,
        )
    for word, names in (("missing", copied.missing), ("damaged", copied.damaged)):
        for sha256 in names:
            frame.say(f"{word}: {sha256}")
    return status
