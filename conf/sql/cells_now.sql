-- The scored cells of the latest window of each monitor by name, with their shares of the rows.
-- For DuckDB and Spark, after latest_scores.sql.
create or replace view cells_now as
select
    cells.monitor,
    cells.window_start,
    cells.window_end,
    cells.feature,
    cells.segment,
    cells.cell,
    case
        when cell_kind = 'never_seen' then 'never seen' || coalesce(': ' || label, '')
        when label is not null then label
        when lower is null and upper is null then replace(cell_kind, '_', ' ')
        when lower is null then concat('below ', upper)
        when upper is null then concat('from ', lower)
        else concat(lower, ' to ', upper)
    end as name,
    rows_reference,
    rows_current,
    rows_reference / nullif(sum(rows_reference) over feature_cells, 0) as share_reference,
    rows_current / nullif(sum(rows_current) over feature_cells, 0) as share_current,
    contribution
from drift_cells as cells
join latest_windows as latest
    on latest.monitor = cells.monitor
        and latest.window_start is not distinct from cells.window_start
        and latest.window_end is not distinct from cells.window_end
window feature_cells as (partition by cells.monitor, cells.feature, cells.segment);
