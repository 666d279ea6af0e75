"""Sites put together: each estimate's mean over cohorts of different people, and what to expect of a new site."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from fundus_core import errors, evaluation
from fundus_core.analyses.labels import Kind, Say, Word, interval, name, word, written
from fundus_core.analyses.scores import forest, forest_row, main_score
from fundus_core.analyses.shared_results import sites_shared
from fundus_core.analyses.study import Analysis, Rows, Study
from fundus_core.evaluation import Estimate, OverSites, SiteInMean, TargetAtSite
from fundus_core.figures import Figure, ForestRow, Look
from fundus_core.targets import TARGETS


def _across(study: Study, target: str, _by: str) -> evaluation.AcrossSites:
    measured, remarks = sites_of(study, target)
    refused = evaluation.not_independent(study.tables, measured)
    if refused or len(measured) < 2:
        return evaluation.AcrossSites(target, (), (*([refused] if refused else []), *remarks))
    return evaluation.AcrossSites(target, evaluation.over_sites(measured), remarks)


def sites_of(study: Study, target: str) -> tuple[Mapping[str, TargetAtSite], tuple[str, ...]]:
    """Return what each site measured of one target, and which sites are left out, with the reason."""
    measured, remarks = {}, []
    for site, table in study.tables.items():
        if target in table.truth and target in table.predicted:
            sample = evaluation.units_of_analysis(table, TARGETS[target], study.level)
            measured[site] = evaluation.at_site(sample)
        else:
            remarks.append(evaluation.no_values(site))
    theirs, left_out = sites_shared(study.shared, target, study.level)
    return {**measured, **theirs}, (*remarks, *left_out)


def _rows(found: evaluation.AcrossSites) -> Rows:
    if not found.found:
        return [_row(found.target, None, found.remarks)] if found.remarks else []
    return [_row(found.target, one, found.remarks) for one in found.found]


def _row(target: str, one: OverSites | None, remarks: Sequence[str]) -> dict[str, evaluation.Cell]:
    """Return one estimate over sites; of sites that were refused, why."""
    score = one.estimate if one else main_score(TARGETS[target])
    mean, new = (one.mean, one.new_site) if one else (Estimate(None), Estimate(None))
    people = sum(site.n_patients for site in one.sites if site.weight is not None) if one else None
    return {
        "target": target,
        "estimate": score,
        "sites": one.pooled if one else 0,
        "n_patients": people,
        **mean.as_json(),
        "new_site": new.value if new.low is not None else None,
        "new_site_low": new.low,
        "new_site_high": new.high,
        "new_site_note": new.note,
        "i2": one.i2 if one else None,
        "tau": one.tau if one else None,
        "q": one.q if one else None,
        "p": one.p if one else None,
        "remark": errors.joined(remarks, ";"),
    }


def _site(target: str, one: OverSites, site: SiteInMean) -> dict[str, evaluation.Cell]:
    return {
        "target": target,
        "cohort": site.cohort,
        "n_patients": site.n_patients,
        "estimate": one.estimate,
        "value": site.estimate.value,
        "low": site.estimate.low,
        "high": site.estimate.high,
        "weight": site.weight,
        "without": site.without.value,
        "without_low": site.without.low,
        "without_high": site.without.high,
        "note": site.note,
    }


SITES = Analysis(
    "sites",
    "Sites put together",
    "Random-effects meta-analysis: the mean over sites like these, and in brackets its 95 % interval; for a new site "
    "the 95 % prediction interval. Sites must be of different people.",
    _across,
    evaluation.AcrossSites,
    rows=_rows,
    words={"p": Word("p (one value at all sites)", Kind.P)},
)
EACH_SITE = Analysis(
    "each_site",
    "Each site in the mean",
    "The weight of each site, and the mean without it: does one site decide?",
    lambda study, target, _by: study.get(SITES, target),
    rows=lambda found: [_site(found.target, one, site) for one in found.found for site in one.sites],
)


def sites_in_words(study: Study, target: str, score: str = "", say: Say = str) -> str:
    """Return what :data:`SITES` answers for one estimate in sentences, for pages and reports; empty without sites."""
    found = study.get(SITES, target)
    score = score or main_score(TARGETS[target])
    one = next((each for each in found.found if each.estimate == score), None)
    if one is None:
        return " ".join(_sentence(say(remark)) for remark in found.remarks[:1])
    if one.mean.value is None:
        return _sentence(say(one.mean.note))
    of = word(score)
    values = {
        "estimate": name(score, TARGETS[target], say),
        "mean": written(one.mean.value, of.kind, signed=of.signed),
        "around": interval(one.mean.low, one.mean.high, of, say),
        "sites": one.pooled,
        "people": f"{sum(site.n_patients for site in one.sites if site.weight is not None):,}",
    }
    first = say(
        "Over {sites} sites and {people} people, the {estimate} of sites like these is {mean} ({around}) on average."
    )
    return " ".join([first.format(**values), _new_in_words(one, of, say)])


def _new_in_words(one: OverSites, of: Word, say: Say) -> str:
    if one.new_site.low is None:
        return _sentence(say(one.new_site.note))
    reach = interval(one.new_site.low, one.new_site.high, of, say)
    words = say("At a new site it may lie anywhere in {reach} (95 % prediction interval); I² is {i2}.")
    return words.format(reach=reach, i2=written(one.i2, Kind.SHARE))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "。")) else ".")


def sites_forest(
    study: Study,
    target: str,
    look: Look,
    score: str = "",
    *,
    names: Callable[[str], str] = str,
    places: Mapping[str, int] = MappingProxyType({}),
) -> Figure | None:
    """Draw one estimate at each site with its weight, the mean as a diamond, and where a new site may lie.

    ``None`` where nothing can be said of a new site: the mean of two sites would cover the figure.
    """
    score = score or main_score(TARGETS[target])
    one = next((each for each in study.get(SITES, target).found if each.estimate == score), None)
    if one is None or one.new_site.low is None:
        return None
    rows = [
        replace(
            forest_row(names(site.cohort), site.estimate, site.n_patients, look, places.get(site.cohort, place)),
            remark="–" if site.weight is None else written(site.weight, Kind.SHARE),
        )
        for place, site in enumerate(one.sites)
    ]
    pooled = [
        ForestRow(look.say("mean over sites"), one.mean, None, None, drawn="mean"),
        ForestRow(look.say("a new site"), one.new_site, None, None, drawn="reach"),
    ]
    return forest([*rows, *pooled], score, TARGETS[target], look)
