"""Running programs over the rows of a dataset: Spark stages, sessions, progress."""
