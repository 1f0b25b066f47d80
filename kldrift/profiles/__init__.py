"""Profiles: row counts over cells and moments of a dataset's rows; they add."""
