"""What is known of the rows of a dataset: counts over cells, and moments; profiles add."""
