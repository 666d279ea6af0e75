"""The verbs that pages and the command line share; none of them imports torch.

A name's module is loaded when the name is first asked for: a verb waits for its own rooms only.
"""

import ast
from importlib import import_module
from pathlib import Path
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
        comparing_folder,
        comparison_key,
        compute_together,
        known_together,
        open_questions,
        studied_together,
    )
    from fundus_core.pipeline.kept_study import (
        COMPUTING,
        READING,
        begun,
        compute,
        groups,
        in_group,
        job_folder,
        of_slides,
        predicted_bars,
        ranked,
        splits,
        stored_study,
        three_photographs,
    )
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
    from fundus_core.pipeline.shown import picture
    from fundus_core.pipeline.tables import prediction_columns, write_predictions
    from fundus_core.pipeline.training_figures import draw_curve, draw_test_part
    from fundus_core.pipeline.visit_names import Visiting, names_read, with_visits


_ROOM_OF = {
    alias.name: node.module
    for node in ast.walk(ast.parse(Path(__file__).read_text(encoding="utf-8")))
    if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(__name__)
    for alias in node.names
}
"""By name, as the imports above say it."""


def __getattr__(name: str) -> object:
    if name in _ROOM_OF:
        found = globals()[name] = getattr(import_module(_ROOM_OF[name]), name)
        return found
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
