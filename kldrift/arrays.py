"""The arrays of numbers and texts that functions take and return, by what they hold.

Shapes stand in the docstrings of those functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Texts = NDArray[np.object_]
"""Texts of Python, and None."""

Counts = NDArray[np.signedinteger[Any]]
"""Numbers of rows, of 64 bits, or of 32 where many are kept; what makes shares of them is
`kldrift.divergence.probabilities` alone."""
Hashes = NDArray[np.uint64]
Values = NDArray[Any]
"""Numbers or texts of any kind."""
