"""Any dataset that Spark reads, through ``mapInArrow``."""
