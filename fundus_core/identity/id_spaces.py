"""Which cohorts name their people alike: equal ids are one person only where a photograph shows it."""

from collections.abc import Iterable, Mapping
from itertools import combinations

_NO_BYTES = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing: of a file that could not be opened."""


def spaces_of_ids(
    cohorts: Mapping[str, tuple[Iterable[str], Iterable[str]]], same: Iterable[Iterable[str]] = ()
) -> dict[str, str]:
    """Tell which cohorts share their people's ids, as a cohort and a selection of it do, by the same word.

    Of each photograph the id and the hash (empty where unknown) are given. Two cohorts share ids where a photograph
    stands under the same id in both, and none under different ids; or where a person says that equal ids are the
    ``same`` people. Cohorts that are joined through others share them too. No two words are such that an id behind one
    and a slash reads as an id behind the other.

    >>> a, b = (["1"], ["x"]), (["1", "2"], ["x", "y"])
    >>> spaces_of_ids({"a": a, "b": b, "c": (["1"], ["z"]), "d": (["9"], ["z"])})
    {'a': '1', 'b': '1', 'c': '2', 'd': '3'}
    """
    owner = {
        name: {
            str(sha): str(who) for who, sha in zip(ids, hashes, strict=True) if sha and str(sha) != _NO_BYTES and who
        }
        for name, (ids, hashes) in cohorts.items()
    }
    space = {name: at for at, name in enumerate(cohorts)}
    said = set(map(frozenset, same))
    for one, other in combinations(cohorts, 2):
        both = owner[one].keys() & owner[other].keys()
        if frozenset((one, other)) in said or (both and all(owner[one][sha] == owner[other][sha] for sha in both)):
            old, new = space[other], space[one]
            space = {name: new if at == old else at for name, at in space.items()}
    order = {at: str(number) for number, at in enumerate(dict.fromkeys(space.values()), start=1)}
    return {name: order[at] for name, at in space.items()}
