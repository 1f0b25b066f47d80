-- One row per stored cell that has rows, with what the cell is: `profiles` unnested.
-- For DuckDB and Spark, after tables.<dialect>.sql.
create or replace view profile_cells as
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
from occupied_cells as p
join supports as s
    on s.monitor = p.monitor and s.reference_id = p.reference_id and s.feature = p.feature;
