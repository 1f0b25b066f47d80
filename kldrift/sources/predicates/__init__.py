"""``where`` without Spark: from its SQL to Arrow, and to row groups that cannot match."""
