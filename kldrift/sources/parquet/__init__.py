"""Parquet files, read by the tasks with Arrow."""
