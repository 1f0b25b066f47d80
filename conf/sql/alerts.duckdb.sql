-- The table of alerts as DuckDB reads it, only a monitor with `alarms` has one.
-- Put the folder of `output.path` in place of `drift`.
create or replace view alerts as
select * from read_parquet('drift/alerts/*.parquet', union_by_name = true);
