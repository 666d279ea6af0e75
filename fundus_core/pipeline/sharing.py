"""``evaluate --share``: a result that may leave the hospital, and those of others that came in."""

from pathlib import Path

from fundus_core import __version__, evaluation
from fundus_core.analyses import Study
from fundus_core.errors import UsageError
from fundus_core.evaluation import Shared
from fundus_core.pipeline.result_files import known_cards

SITE = "site"
"""What a site is called that gave itself no name."""


def shared(study: Study, model: str, weights_sha256: str, name: str = "") -> Shared:
    """Return what the site of a cohort can tell of it.

    Args:
        study: Of one cohort.
        model: Id or name of the model.
        weights_sha256: Of its weights; empty where unknown.
        name: What the site wants to be called.

    Raises:
        UsageError: The name could tell of a person.
    """
    cards = known_cards(model)
    identity = evaluation.identity_of(
        study.table,
        name or SITE,
        model,
        weights_sha256,
        card=bool(cards),
        rendered=any(card.rendered for card in cards),
        software=__version__,
    )
    return evaluation.share(study.table, identity, study.level)


def write_shared(found: Shared, path: Path) -> None:
    """Write a shared result.

    Args:
        found: What the site tells.
        path: Of the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(evaluation.as_text(found) + "\n", encoding="utf-8")


def read_shared(path: Path) -> Shared:
    """Read a result that another site shared.

    Args:
        path: Of the file.

    Raises:
        UsageError: There is none, or it is no shared result.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(evaluation.LARGEST_SHARED + 1)
    except OSError as error:
        raise UsageError("'{name}' cannot be read: {error}.", name=path.name, error=error) from error
    return evaluation.from_text(data, path.name)
