"""From a dataset to streams of Arrow columns."""
