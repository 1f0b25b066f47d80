-- The tables as DuckDB reads them, the other files of this folder build on these views.
-- Put the folder of `output.path` in place of `drift`, an object store needs DuckDB's httpfs.
-- `union_by_name` gives columns that older files do not have as null.
create or replace view drift_scores as
select * from read_parquet('drift/drift_scores/*.parquet', union_by_name = true);

create or replace view drift_cells as
select * from read_parquet('drift/drift_cells/*.parquet', union_by_name = true);

create or replace view profiles as
select * from read_parquet('drift/profiles/*.parquet', union_by_name = true);

create or replace view supports as
select * from read_parquet('drift/supports/*.parquet', union_by_name = true);

create or replace view runs as
select * from read_parquet('drift/runs/*.parquet', union_by_name = true);

-- One row per profile and cell that has rows.
create or replace view occupied_cells as
select *, unnest(cells) as cell, unnest(rows) as cell_rows
from profiles
where kind <> 'joint';

-- Spark's function of this name: the element at a place from 0.
create or replace macro get(elements, place) as elements[place + 1];
