"""Correlated numbers and vectors, for joint groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from kldrift.profiles.comoments import CoMoments

K = 50


def table(seed, rows=6000, k=K, mix=0.3):
    """Correlated numbers, one far from zero, one with nulls; and vectors, some of them ragged."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, k)) @ (np.eye(k) + mix * np.tri(k, k, -1) / k)
    values[:, 0] += 1e9
    frame = pd.DataFrame(values, columns=[f"x{i}" for i in range(k)])
    frame.loc[::17, "x3"] = None
    frame.loc[5, "x4"] = np.nan
    vectors = [v.tolist() for v in rng.normal(size=(rows, 8)) + 0.1 * seed]
    vectors[3], vectors[4], vectors[5] = None, [1.0], [float("nan")] * 8
    made = pa.Table.from_pandas(frame, preserve_index=False)
    return made.append_column("embedding", pa.array(vectors, pa.list_(pa.float64())))


def moments(values, *, diagonal=False):
    """The joint moments of complete rows, about zero."""
    return CoMoments.of(values, np.zeros(values.shape[1]), diagonal=diagonal)


def complete_vectors(made):
    vectors = [v for v in made["embedding"].to_pylist() if v and len(v) == 8]
    return np.array([v for v in vectors if not np.isnan(v).any()])
