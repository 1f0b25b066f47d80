-- The tables as Spark reads them, the other files of this folder build on these views.
-- Put the folder of `output.path` in place of `drift`. Where older files lack columns:
-- set spark.sql.parquet.mergeSchema = true
create or replace view drift_scores as
select * from parquet.`drift/drift_scores`;

create or replace view drift_cells as
select * from parquet.`drift/drift_cells`;

create or replace view profiles as
select * from parquet.`drift/profiles`;

create or replace view supports as
select * from parquet.`drift/supports`;

create or replace view runs as
select * from parquet.`drift/runs`;

-- One row per profile and cell that has rows.
create or replace view occupied_cells as
select *, inline(arrays_zip(cells, rows)) as (cell, cell_rows)
from profiles
where kind <> 'joint';
