-- One row per stored cell that has rows, with what the cell is: `profiles` unnested.
-- For Spark; put the folder of `output.path` in place of `drift`.
create or replace temporary view profile_cells as
with rows_of_cells as (
    select p.*, c.of_cell.cells as cell, c.of_cell.rows as cell_rows
    from parquet.`drift/profiles` as p
    lateral view explode(arrays_zip(p.cells, p.rows)) c as of_cell
    where p.kind <> 'joint'
)
select
    p.schema_version,
    p.run_id,
    p.monitor,
    p.dataset,
    p.window_start,
    p.window_end,
    p.segment_list,
    p.segment_place,
    p.segment,
    p.feature,
    p.kind,
    p.cell,
    get(s.cell_kind, p.cell) as cell_kind,
    get(s.lower, p.cell) as lower,
    get(s.upper, p.cell) as upper,
    get(coalesce(s.label, s.categories), p.cell) as label,
    p.cell_rows as rows,
    p.moment_rows,
    case
        when p.minimum = p.maximum then p.minimum / s.scale
        else (s.pivot + (p.sum1 + p.sum1_low) / nullif(p.moment_rows, 0)) / s.scale
    end as mean,
    case
        when p.minimum = p.maximum then 0
        else greatest(
            0,
            p.sum2 + p.sum2_low - pow(p.sum1 + p.sum1_low, 2) / nullif(p.moment_rows, 0)
        ) / pow(s.scale, 2)
    end as m2,
    p.minimum / s.scale as minimum,
    p.maximum / s.scale as maximum,
    p.reference_id,
    p.config_hash
from rows_of_cells as p
join parquet.`drift/supports` as s
    on s.monitor = p.monitor and s.reference_id = p.reference_id and s.feature = p.feature
