"""What a heading announces besides its quantity: measured or predicted, the end of an interval, which model."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from fundus_core.identity import EYES
from fundus_core.tables.headings import BY_WORD, Meaning, compact, understand
from fundus_core.tables.units import unit_of
from fundus_core.targets import TARGETS

MEASURED, PREDICTED = "measured", "predicted"
LOW, HIGH, SD = "low", "high", "sd"

_WORDS = {
    PREDICTED: (
        "pred|preds|predicted|prediction|predictions|predict|predictedvalue|predval|yhat|ypred|hat|est|estimate|"
        "estimated|estimates|estimation|inferred|inference|output|outputs|ai|model|prob|probability|proba|p|pr"
    ),
    MEASURED: (
        "true|truth|ytrue|actual|measured|observed|obs|gt|groundtruth|ground|reference|ref|label|labels|real|"
        "gold|goldstandard|reported"
    ),
    LOW: "low|lower|lo|lwr|lcl|lb|q05|q5|p05|p5|q025|p025|q2.5|p2.5|lowerbound|lowerlimit",
    HIGH: "high|upper|hi|upr|ucl|ub|q95|p95|q975|p975|q97.5|p97.5|upperbound|upperlimit",
    SD: "sd|std|stdev|stddev|sigma",
    "": "ci|pi|interval|bound|limit|confidence|credible|conformal|of|for|the|by",
}
_KIND = {word: kind for kind, words in _WORDS.items() for word in words.split("|")}
_JAPANESE = {
    PREDICTED: "推定値|推定|予測値|予測|推測値|推測|予想値|予想|(?:である)?確率",
    MEASURED: "真値|真の値|真の(?=.)|実測値|実測|正解値|正解|観測値|実際の値|実際値",
    LOW: "下限値|下限|下側",
    HIGH: "上限値|上限|上側",
    SD: "標準偏差",
    "": "信頼区間|予測区間|区間|による|の(?=$|[\\s_(])",
}
_IN_JAPANESE = re.compile("|".join(f"(?P<k{i}>{words})" for i, words in enumerate(_JAPANESE.values())))
_JAPANESE_KINDS = tuple(_JAPANESE)
_TOKEN = re.compile(r"(?:[^\s_\-:/()\[\]{},;・.]|\.(?=\d))+")
_SEAM = re.compile(
    r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z0-9])(?=[^\x00-\x7f])|(?<=[^\x00-\x7f])(?=[A-Za-z0-9])"
)
_GLUED = ("predicted", "pred", "hat", "est", "true", "lower", "upper", "low", "high")
_NUMBERED = re.compile(r"(pred|prediction|model|ypred|est)(\d+)")
_LEVEL = re.compile(r"([a-z]*)(80|90|95|99)%?")
_VALUE = frozenset("value values val result results y 値 数値 結果".split())
_DESCRIPTION = re.compile(
    r"(?:resting|office|home|clinic|seated|supine|fasting|random|mean|average|avg|median|baseline|left|right|arm|raw|"
    r"final|mm ?hg|kg|cm|years?|空腹時?|随時|安静時?|平均|左|右|歳|\W|\d+ ?回目?)+"
)
_BRACKETED = re.compile(r"[(\[]([^()\[\]]+)[)\]]")
_EMPTY = re.compile(r"[(\[{]\s*[)\]}]")
_MODEL_COLUMN = frozenset(
    "model modelname modelid network networkname architecture backbone algorithm algorithmname aimodel "
    "モデル モデル名 ネットワーク アルゴリズム アルゴリズム名 手法".split()
)


@dataclass(frozen=True, slots=True)
class Announced:
    """One heading of a table of predictions."""

    meaning: Meaning
    """Of what is left without the words below; its role is empty where nothing is left."""
    mark: str = ""
    """``measured``, ``predicted``, or empty where the heading does not say."""
    end: str = ""
    """``low``, ``high`` or ``sd`` where it is about an interval of the prediction."""
    model: str = ""
    """What the heading holds besides: which model's prediction it is."""
    level: int = 0
    """Per cent of the interval, where the heading says it."""
    bare: bool = False
    """Whether nothing but such words stands there (``y_pred``, ``予測値``)."""


def names_models(heading: str) -> bool:
    """Return whether a column says in each row which model predicted."""
    return compact(heading) in _MODEL_COLUMN


def announced(heading: str) -> Announced:
    """Return what a heading of a table of predictions says.

    >>> found = announced("SBP_pred_B7")
    >>> found.meaning.role, found.mark, found.model
    ('sbp', 'predicted', 'B7')
    >>> announced("収縮期血圧（実測）").mark, announced("glucose_hat_low").end, announced("y_true").bare
    ('measured', 'low', True)
    """
    return _announced(heading, len(TARGETS))


@lru_cache(maxsize=4096)
def _announced(heading: str, _targets: int) -> Announced:
    whole = understand(heading)
    if compact(heading) in BY_WORD and compact(heading) not in _KIND:
        return Announced(whole)
    text = unicodedata.normalize("NFKC", heading)[:200]
    spans = list(_spans(text))
    kinds = [kind for _, _, kind in spans if kind]
    if not kinds:
        return Announced(*_named(text, whole))
    rest = _without(text, [(start, stop) for start, stop, _ in spans])
    numbered = next((kind[1:] for kind in kinds if kind.startswith("#")), "")
    mark = next((kind for kind in kinds if kind in (MEASURED, PREDICTED)), PREDICTED if numbered else "")
    end = next((kind for kind in kinds if kind in (LOW, HIGH, SD)), "")
    level = next((int(kind) for kind in kinds if kind.isdigit()), 0)
    if compact(rest) in _VALUE or not re.search(r"\w", rest):
        return Announced(Meaning("", 0.0, ""), mark, end, numbered, level, bare=bool(mark or end))
    meaning, model = _meaning(rest, marked=mark == PREDICTED)
    if meaning.role not in TARGETS:
        return Announced(whole)
    return Announced(meaning, mark, end, model or numbered, level)


def _named(text: str, whole: Meaning) -> tuple[Meaning, str, str, str]:
    """A heading without such words may still hold a model's name: ``SBP_resnet``."""
    if whole.role in TARGETS and whole.confidence < 0.8:
        meaning, model = _meaning(text, marked=False)
        if model:
            return meaning, "", "", model
    return whole, "", "", ""


def _spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where the words of this module stand, and their kinds; a level is its number, ``pred2`` is ``#2``."""
    for found in _IN_JAPANESE.finditer(text):
        yield found.start(), found.end(), _JAPANESE_KINDS[int((found.lastgroup or "k0")[1:])]
    for start, token in _tokens(text):
        kinds = _kinds(token)
        if kinds:
            yield from ((start, start + len(token), kind) for kind in kinds)
        elif glued := _glued(token):
            at = start if token.startswith(glued) else start + len(token) - len(glued)
            yield at, at + len(glued), _KIND[glued]


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    """Yield where each word begins, in small letters."""
    for piece in _TOKEN.finditer(text):
        whole = piece[0].casefold()
        if _kinds(whole) or _glued(whole) or whole in BY_WORD or len(whole) != len(piece[0]):
            yield piece.start(), whole
            continue
        cuts = [0, *(seam.start() for seam in _SEAM.finditer(piece[0])), len(whole)]
        for start, stop in pairwise(cuts):
            yield piece.start() + start, whole[start:stop]


def _kinds(token: str) -> list[str]:
    """Return what a word says; empty where it says nothing that this module knows."""
    if token in _KIND:
        return [_KIND[token]]
    if numbered := _NUMBERED.fullmatch(token):
        return [f"#{numbered[2]}"]
    level = _LEVEL.fullmatch(token)
    if level and (not level[1] or _KIND.get(level[1]) in (LOW, HIGH, "")):
        return [*([_KIND[level[1]]] if level[1] else []), level[2]]
    return []


def _glued(token: str) -> str:
    """Return a word that is glued to a known heading: ``predsbp``, ``sbphat``."""
    if token in BY_WORD:
        return ""
    return next(
        (
            word
            for word in _GLUED
            if (token.startswith(word) and token.removeprefix(word) in BY_WORD)
            or (token.endswith(word) and token.removesuffix(word) in BY_WORD)
        ),
        "",
    )


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    kept = list(text)
    for start, stop in spans:
        kept[start:stop] = "\0" * (stop - start)
    rest = _EMPTY.sub(" ", "".join(kept).replace("\0", ""))
    rest = re.sub(r"([_\-.\s]){2,}", r"\1", _EMPTY.sub(" ", rest))
    return re.sub(r"[_\-.\s:,]+(?=[(\[]|$)", " ", rest).strip(" _-.:,の")


def _meaning(rest: str, *, marked: bool) -> tuple[Meaning, str]:
    """Understand what is left: as a whole, else without a model's name in brackets, before or behind it."""
    inside = _BRACKETED.search(rest)
    if marked and inside and _is_name(inside[1]):
        found = understand(rest.replace(inside[0], " ").strip())
        if found.role in TARGETS:
            return found, inside[1].strip()
    number = re.search(r"[\s_\-](\d{1,2})$", rest)
    if marked and number and understand(rest[: number.start()]).role in TARGETS:
        return understand(rest[: number.start()]), number[1]
    whole = understand(rest)
    if whole.role in TARGETS and whole.confidence >= 0.8:
        return whole, ""
    pieces = [(found.start(), found.end()) for found in re.finditer(r"[^\s_\-]+", rest)]
    for n in range(1, len(pieces)):
        before = rest[pieces[0][0] : pieces[n - 1][1]], rest[pieces[n][0] :]
        behind = rest[pieces[-n][0] :], rest[: pieces[-n - 1][1]]
        for model, other in (behind, before):
            found = understand(other)
            if found.role in TARGETS and found.confidence >= 0.8 and _is_name(model):
                return found, model.strip(" ()[]")
    return whole, ""


def _is_name(model: str) -> bool:
    """Return whether words may be the name of a model, rather than a unit, an eye or another word of a table."""
    folded = model.strip(" ()[]").casefold()
    known = understand(model).role or unit_of(folded) or folded in EYES or folded in _KIND
    return not known and bool(re.search(r"\w", model)) and not _DESCRIPTION.fullmatch(folded)
