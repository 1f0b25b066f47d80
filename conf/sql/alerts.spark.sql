-- The table of alerts as Spark reads it, only a monitor with `alarms` has one.
-- Put the folder of `output.path` in place of `drift`.
create or replace view alerts as
select * from parquet.`drift/alerts`;
