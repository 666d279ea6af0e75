"""The verbs that pages and the command line share; none of them imports torch.

A name's module is loaded when the name is first asked for: a verb waits for its own rooms only.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fundus_core.pipeline.cohorts import (
        home_address,
        intake,
        match_truth,
        open_home,
        receipts,
        set_truth,
    )
    from fundus_core.pipeline.comparing import compare
    from fundus_core.pipeline.deidentifying import deidentify_files, export_cohort, export_deidentified, writing_of
    from fundus_core.pipeline.door import WRITINGS, Intake, Seen, Writing, see, take_in
    from fundus_core.pipeline.evaluate_files import ScoredFiles, evaluate, score_files, score_tables
    from fundus_core.pipeline.explanation import ask_explanation, explain
    from fundus_core.pipeline.inspection import Counts, inspect
    from fundus_core.pipeline.later import (
        Attached,
        Difference,
        attach,
        by_rows,
        difference,
        made_elsewhere,
        match_photographs,
    )
    from fundus_core.pipeline.linkage import Linkage, join_truth, saved_mapping
    from fundus_core.pipeline.nameless import match_originals, under_pseudonyms
    from fundus_core.pipeline.plans import state_plan, stated_plan
    from fundus_core.pipeline.predicted import Asked, PredictionsFile, proposed
    from fundus_core.pipeline.prediction import Request, predict
    from fundus_core.pipeline.predictions_reader import read_predictions
    from fundus_core.pipeline.proving import Proof, prove
    from fundus_core.pipeline.replaying import Replayed, bundle_of, replay
    from fundus_core.pipeline.result_files import in_words, notice
    from fundus_core.pipeline.sharing import read_shared, shared
    from fundus_core.pipeline.strictness import StretchedSet, limits_of, stretched_set
    from fundus_core.pipeline.tables import prediction_columns, write_predictions
    from fundus_core.pipeline.trained import draw_test_part
    from fundus_core.pipeline.visiting import Visiting, names_read, with_visits


_NAMES_OF = {
    "cohorts": ("home_address", "intake", "match_truth", "open_home", "receipts", "set_truth"),
    "comparing": ("compare",),
    "deidentifying": ("deidentify_files", "export_cohort", "export_deidentified", "writing_of"),
    "door": ("WRITINGS", "Intake", "Seen", "Writing", "see", "take_in"),
    "evaluate_files": ("ScoredFiles", "evaluate", "score_files", "score_tables"),
    "explanation": ("ask_explanation", "explain"),
    "inspection": ("Counts", "inspect"),
    "later": ("Attached", "Difference", "attach", "by_rows", "difference", "made_elsewhere", "match_photographs"),
    "linkage": ("Linkage", "join_truth", "saved_mapping"),
    "nameless": ("match_originals", "under_pseudonyms"),
    "plans": ("state_plan", "stated_plan"),
    "predicted": ("Asked", "PredictionsFile", "proposed"),
    "prediction": ("Request", "predict"),
    "predictions_reader": ("read_predictions",),
    "proving": ("Proof", "prove"),
    "replaying": ("Replayed", "bundle_of", "replay"),
    "result_files": ("in_words", "notice"),
    "strictness": ("StretchedSet", "limits_of", "stretched_set"),
    "sharing": ("read_shared", "shared"),
    "tables": ("prediction_columns", "write_predictions"),
    "trained": ("draw_test_part",),
    "visiting": ("Visiting", "names_read", "with_visits"),
}


def __getattr__(name: str) -> object:
    for room, names in _NAMES_OF.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f"{__name__}.{room}"), name)
            return found
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
