"""Delta and Iceberg tables, planned from their logs."""
