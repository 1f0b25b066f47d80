"""Which columns are features, as what kind, and how their values become keys."""
