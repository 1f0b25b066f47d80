"""The test of a divergence against a limit, as the verdicts of features combine its parts."""

from __future__ import annotations

import numpy as np

from kldrift.statistics.significance import g_test
from kldrift.statistics.unbiased_kl import kl_unbiased


def above_limit_p(p_counts, q_counts, limit):
    """The p-value of "the divergence is above the limit"; at limit 0 that of the G-test.

    Never smaller than that of the G-test: what may be no difference at all is not above a limit.
    """
    any_difference = g_test(p_counts, q_counts)[2]
    above = kl_unbiased(p_counts, q_counts).p_above(limit)
    return np.where(np.asarray(limit) > 0, np.maximum(above, any_difference), any_difference)
