"""``cluster run``: a Ray cluster works a run off; called again after anything was lost, it goes on."""

from __future__ import annotations

import argparse

from fundus_core import runs
from fundus_core.commands.frame import DONE, SOME_REFUSED, STORE, Parser, bar, following, say, shared, store_of, verb
from fundus_core.errors import UsageError
from fundus_core.runs import Progress
from fundus_core.store import Store, run_table


def add(parser: Parser) -> None:
    """Say what may be asked."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", parser_class=Parser)
    run = verb(verbs, "run", "work off a run that somebody asked for on a page", _run)
    run.add_argument("--run", type=int, required=True, metavar="N", dest="number", help="its number")
    shared(run, "--cluster")
    run.set_defaults(cluster=runs.cluster())
    stop = "where the cluster cannot be joined, stop the run, so that its page says why"
    run.add_argument("--or-stop", action="store_true", help=stop)
    shared(run, *STORE)


def _run(options: argparse.Namespace) -> int:
    from fundus_core import cluster

    if not options.cluster:
        raise UsageError("Name the cluster: --cluster HOST:PORT, or set {variable}.", variable=runs.CLUSTER)
    where, files = store_of(options)
    with Store.open_existing(where, files=files) as store:
        runs.progress(store, options.number)  # there is one
        try:
            with bar() as shown:
                now = cluster.work_off(store, lambda: options.number, options.cluster, progress=following(shown))
        except UsageError as error:
            if options.or_stop:
                run_table.stop(store, options.number, str(error))
            raise
    say("run {run}: {predicted} predicted, {refused} refused, {failed} failed of {total}; {state}", **_told(now))
    return SOME_REFUSED if now.refused or now.failed else DONE


def _told(now: Progress) -> dict[str, object]:
    told = {name: getattr(now, name) for name in ("run", "predicted", "refused", "failed", "total")}
    return {**told, "state": f"{now.state}: {now.note}" if now.note else now.state}
