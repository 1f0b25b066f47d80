"""Tests and estimates on counts and moments.

Throughout, ``p`` and ``q`` are current and reference rows per cell, shape ``(r, k)``; ``n`` and
``m`` are all rows of the two sides, ``x`` and ``y`` those of one cell, shape ``(r,)``, and
``limit`` is what the size of a change is held to. P-values have shape ``(r,)``.
"""
