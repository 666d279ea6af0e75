"""The verbs that pages and the command line share; none of them imports torch.

A name's module is loaded when the name is first asked for: a verb waits for its own rooms only.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fundus_core.pipeline.additions import (
        Attached,
        Difference,
        attach,
        by_rows,
        difference,
        made_elsewhere,
        match_photographs,
    )
    from fundus_core.pipeline.cohorts import (
        home_address,
        intake,
        match_truth,
        open_home,
        receipts,
        set_truth,
    )
    from fundus_core.pipeline.compare_files import compare
    from fundus_core.pipeline.deidentified_ingest import (
        WRITINGS,
        DeidentifiedSource,
        Intake,
        Writing,
        deidentify_source,
        take_in,
    )
    from fundus_core.pipeline.deidentified_truth import match_originals, under_pseudonyms
    from fundus_core.pipeline.deidentify_cohort import deidentify_files, export_cohort, export_deidentified, writing_of
    from fundus_core.pipeline.evaluate_files import ScoredFiles, evaluate, score_files, score_tables
    from fundus_core.pipeline.explanation import ask_explanation, explain, warm_up
    from fundus_core.pipeline.fitted import DIFFERENT, LEAVE_OUT, answer_of, keep_answer, people_fitted, table_to_test
    from fundus_core.pipeline.inspection import Counts, inspect
    from fundus_core.pipeline.kept_comparison import (
        ASKED,
        Member,
        answers_about,
        comparing_folder,
        compute_together,
        open_questions,
        studied_together,
    )
    from fundus_core.pipeline.kept_study import COMPUTING, READING, compute, job_folder, largest_errors, stored_study
    from fundus_core.pipeline.linkage import Linkage, join_truth, saved_mapping
    from fundus_core.pipeline.plans import state_plan, stated_plan
    from fundus_core.pipeline.predicted import Asked, PredictionsFile, proposed
    from fundus_core.pipeline.prediction import Request, WorkOff, on_this_machine, predict
    from fundus_core.pipeline.predictions_reader import read_predictions
    from fundus_core.pipeline.prove_deidentification import Proof, prove
    from fundus_core.pipeline.quality_thresholds import StretchedSet, limits_of, stretched_set
    from fundus_core.pipeline.recalibration import derive, recalibrate_cohort, recalibrate_files
    from fundus_core.pipeline.replay_bundle import Replayed, bundle_of, replay
    from fundus_core.pipeline.result_files import in_words, notice
    from fundus_core.pipeline.sharing import read_shared, shared
    from fundus_core.pipeline.tables import prediction_columns, write_predictions
    from fundus_core.pipeline.training_figures import draw_curve, draw_test_part
    from fundus_core.pipeline.visit_names import Visiting, names_read, with_visits


_NAMES_OF = {
    "cohorts": ("home_address", "intake", "match_truth", "open_home", "receipts", "set_truth"),
    "compare_files": ("compare",),
    "deidentify_cohort": ("deidentify_files", "export_cohort", "export_deidentified", "writing_of"),
    "deidentified_ingest": ("WRITINGS", "Intake", "DeidentifiedSource", "Writing", "deidentify_source", "take_in"),
    "evaluate_files": ("ScoredFiles", "evaluate", "score_files", "score_tables"),
    "explanation": ("ask_explanation", "explain", "warm_up"),
    "fitted": ("DIFFERENT", "LEAVE_OUT", "answer_of", "keep_answer", "people_fitted", "table_to_test"),
    "inspection": ("Counts", "inspect"),
    "additions": ("Attached", "Difference", "attach", "by_rows", "difference", "made_elsewhere", "match_photographs"),
    "linkage": ("Linkage", "join_truth", "saved_mapping"),
    "deidentified_truth": ("match_originals", "under_pseudonyms"),
    "plans": ("state_plan", "stated_plan"),
    "predicted": ("Asked", "PredictionsFile", "proposed"),
    "prediction": ("Request", "WorkOff", "on_this_machine", "predict"),
    "predictions_reader": ("read_predictions",),
    "prove_deidentification": ("Proof", "prove"),
    "recalibration": ("derive", "recalibrate_cohort", "recalibrate_files"),
    "replay_bundle": ("Replayed", "bundle_of", "replay"),
    "result_files": ("in_words", "notice"),
    "quality_thresholds": ("StretchedSet", "limits_of", "stretched_set"),
    "sharing": ("read_shared", "shared"),
    "kept_comparison": (
        "ASKED",
        "Member",
        "answers_about",
        "comparing_folder",
        "compute_together",
        "open_questions",
        "studied_together",
    ),
    "kept_study": ("COMPUTING", "READING", "compute", "job_folder", "largest_errors", "stored_study"),
    "tables": ("prediction_columns", "write_predictions"),
    "training_figures": ("draw_curve", "draw_test_part"),
    "visit_names": ("Visiting", "names_read", "with_visits"),
}


def __getattr__(name: str) -> object:
    for room, names in _NAMES_OF.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f"{__name__}.{room}"), name)
            return found
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
