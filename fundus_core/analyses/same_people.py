"""Whether equal ids in several cohorts are the same people: what photographs tell, and what somebody has said."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.identity import spaces_of_ids
from fundus_core.records import CohortTable, Labels

Answers = Mapping[frozenset[str], bool]
"""By the names of two cohorts, whether equal ids in them are the same people."""


def make_ids_unique(
    tables: Mapping[str, CohortTable], sha256: Mapping[str, Labels], answers: Answers | None = None
) -> dict[str, CohortTable]:
    """Make ids unique to a cohort, unless it shares people with another; a photograph's hash is empty where unknown.

    Two clinics both have a patient 0001, who are two people; a cohort and a selection of it share their people, and
    that is seen from the same photograph standing under the same id in both, or a person has said so.
    """
    spaces = _spaces(tables, sha256, answers or {})
    if len(set(spaces.values())) == 1:
        return dict(tables)
    return {name: replace(table, patient_id=_within(spaces[name], table.patient_id)) for name, table in tables.items()}


def _spaces(tables: Mapping[str, CohortTable], sha256: Mapping[str, Labels], answers: Answers) -> dict[str, str]:
    same = [pair for pair, yes in answers.items() if yes]
    return spaces_of_ids({name: (tables[name].patient_id, hashes) for name, hashes in sha256.items()}, same)


def unanswered(
    tables: Mapping[str, CohortTable], sha256: Mapping[str, Labels], answers: Answers
) -> dict[tuple[str, str], int]:
    """Return how many ids two cohorts have in common, where nothing tells whether they are the same people.

    No photograph is in both cohorts, and nobody has said it. Ids that are only the photographs' names do not count.
    """
    spaces = _spaces(tables, sha256, answers)
    ids = {name: set(one.patient_id[one.patient_id != one.photograph].tolist()) - {""} for name, one in tables.items()}
    found = {(a, b): len(ids[a] & ids[b]) for a, b in combinations(tables, 2) if spaces[a] != spaces[b]}
    return {pair: n for pair, n in found.items() if n and frozenset(pair) not in answers}


def refuse_strangers(tables: Mapping[str, CohortTable], sha256: Mapping[str, Labels], *, same: bool | None) -> Answers:
    """Return one answer for all cohorts; refuse to take people for strangers, or for the same, where nobody said so.

    Raises:
        UsageError: Ids are common to two cohorts, no photograph is, and ``same`` is ``None``.
    """
    for (one, other), n in unanswered(tables, sha256, {}).items():
        if same is None:
            message = (
                "'{one}' and '{other}' have {n:,} patient {n:id|ids} in common and no photograph: are they the same "
                "people? Say --same-people or --different-people (same_people=True or False in Python)."
            )
            raise UsageError(message, one=one, other=other, n=n)
    return {} if same is None else {frozenset(pair): same for pair in combinations(tables, 2)}


def _within(space: str, ids: Labels) -> Labels:
    return np.array([f"{space}/{who}" if who else "" for who in map(str, ids)], dtype=np.str_)
