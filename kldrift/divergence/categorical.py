"""Kullback-Leibler divergence of categorical distributions given by logits."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from kldrift.arrays import Floats
from kldrift.divergence.arguments import Value, over_cells, require
from kldrift.divergence.near_equal import exp_excess
from kldrift.error_free import two_sum

Reduction = Literal["none", "mean", "sum", "batchmean"]


def categorical_kl(
    p_logits: ArrayLike, q_logits: ArrayLike, *, reduction: Reduction = "mean"
) -> Value:
    """Kullback-Leibler divergence of softmax(p_logits) from softmax(q_logits), in nats.

    Per row ``sum(softmax(p) * (log_softmax(p) - log_softmax(q)))`` over the classes [1], computed
    from differences of logits, so that logits of 1e4 and nearly equal rows keep their digits.

    In PyTorch the rows are ``torch.nn.functional.kl_div(log_softmax(q), softmax(p),
    reduction="none").sum(-1)``, that is ``kl_div(q.log(), p)`` for probabilities: its first
    argument ``input`` is our q as logarithms, its second argument ``target`` is our p. ``mean`` and
    ``batchmean`` are both the mean over rows of the sum over classes, which PyTorch calls
    ``batchmean``; PyTorch's own ``mean`` divides that by the number of classes once more, and
    its ``sum`` and ``none`` (before the sum over classes) agree with ours.

    Args:
        p_logits: logits of the current model or data, shape ``(batch, classes)``; any real
            numbers, ``-inf`` for a class that is masked.
        q_logits: logits of the reference, same shape.
        reduction: ``none`` gives one value a row, ``sum`` adds them, ``mean`` and ``batchmean``
            average them.

    Returns:
        A value in [0, inf], shape ``(batch,)`` for ``none`` and a float otherwise; inf where a
        class is masked in q and not in p. A class that is masked in both adds 0.

    Raises:
        ValueError: the shapes differ or are not 2-D, a logit is NaN or +inf, all classes of a row
            are masked, there is no row, or the reduction is unknown.

    References:
        [1] Hinton, G., Vinyals, O. and Dean, J. (2015). Distilling the knowledge in a neural
            network. arXiv:1503.02531

    Examples:
        >>> p, q = [[0.0, 0.0], [2.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]
        >>> categorical_kl(p, q, reduction="none").round(4)
        array([0.    , 0.3278])
        >>> round(categorical_kl(p, q), 4)
        0.1639
        >>> categorical_kl([[0.0, 1.0]], [[0.0, float("-inf")]])
        inf
    """
    p, q = _logits("p_logits", p_logits), _logits("q_logits", q_logits)
    if p.shape != q.shape:
        raise ValueError(f"p_logits has shape {p.shape} and q_logits has {q.shape}")
    rows = categorical_kl_formula(p, q)
    match reduction:
        case "none":
            return rows
        case "sum":
            return float(rows.sum())
        case "mean" | "batchmean":
            return float(rows.mean())
        case _:
            raise ValueError(f"reduction must be none, mean, sum or batchmean, got {reduction!r}")


def categorical_kl_formula(p_logits: Floats, q_logits: Floats) -> Floats:
    """The divergence of each row in nats, shape ``(...)``; the logits are not checked.

    With ``x = log(q / p)`` each class adds ``p * (exp(x) - 1 - x)``, which is never negative. An
    error that all x of a row share cancels but for its square.
    """
    # relative to the likeliest class of p, without rounding: neither large logits nor a shift of
    # all of them take digits from what differs
    likeliest = np.argmax(p_logits, axis=-1)[..., None]
    p_top, q_top = (np.take_along_axis(z, likeliest, axis=-1) for z in (p_logits, q_logits))
    q_top = np.where(q_top == -np.inf, 0.0, q_top)
    with np.errstate(invalid="ignore", over="ignore"):  # masked classes, and those far apart
        p_scaled, p_rest = two_sum(p_logits, -p_top)
        q_scaled, q_rest = two_sum(q_logits, -q_top)
        difference = (q_scaled - p_scaled) + (q_rest - p_rest)
        p_log_sum = logsumexp(p_scaled, axis=-1, keepdims=True)
        q_log_sum = logsumexp(q_scaled, axis=-1, keepdims=True)
        x = difference - (q_log_sum - p_log_sum)
        p, q = np.exp(p_scaled - p_log_sum), np.exp(q_scaled - q_log_sum)
        terms = np.where(np.abs(x) < 1, p * exp_excess(x), q - p - p * x)
    terms = np.where(p_logits == -np.inf, q, terms)
    terms = np.where((q_logits == -np.inf) & (p_logits > -np.inf), np.inf, terms)
    rows = over_cells(terms)
    beyond = np.isnan(rows)  # where differences of logits are, as of the least double as a mask
    if beyond.any():
        rows = np.where(beyond, _far_apart(p_logits, q_logits), rows)
    return rows


def _far_apart(p_logits: Floats, q_logits: Floats) -> Floats:
    """The divergence of each row from halves of logits, whose differences are doubles."""
    halves = (z / 2 - z.max(-1, keepdims=True) / 2 for z in (p_logits, q_logits))
    with np.errstate(over="ignore", invalid="ignore"):
        p, q = (z - logsumexp(2 * z, axis=-1, keepdims=True) / 2 for z in halves)
        share = np.exp(2 * p)
        return 2 * over_cells(np.where(share > 0, share * (p - q), 0.0))


def _logits(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must have shape (batch, classes), got {array.shape}")
    require(array < np.inf, array, f"{name} must not be NaN or inf")
    top = array.max(axis=-1)
    require(top > -np.inf, top, f"{name} must leave a class of each row unmasked")
    return array
