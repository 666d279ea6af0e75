"""One record for each thing that is computed and shown; pages, reports, slides and files only lay it out."""

from fundus_core.analyses import criteria, labels, one_cohort, plan_results, side_by_side
from fundus_core.analyses.layout import Laid, layout, shown, table_one
from fundus_core.analyses.observations import observed
from fundus_core.analyses.plan import ORDER_DECLARED, ORDER_KEPT, AnalysisPlan, StatedPlan
from fundus_core.analyses.plan_reader import read_plan
from fundus_core.analyses.result_cache import Disk, Memory, NotYetError, OpenStudies, only_looking
from fundus_core.analyses.results import (
    differences_in_words,
    keep_drawn,
    meaning_in_words,
    results_in_words,
    small_multiples,
)
from fundus_core.analyses.same_people import Answers, make_ids_unique, refuse_strangers, unanswered
from fundus_core.analyses.scores import beyond_in_words, drawn_scores, evaluated, forest_of, headline, main_score
from fundus_core.analyses.settings import USUAL, Settings
from fundus_core.analyses.shared_results import CANNOT, different_models
from fundus_core.analyses.sites import sites_forest, sites_in_words
from fundus_core.analyses.study import Analysis, Canvas, Rows, Study
from fundus_core.analyses.subgroups import nearest
