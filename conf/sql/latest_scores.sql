-- The latest window of each monitor, as `kldrift show` takes it, and `drift_scores` of it.
-- For DuckDB and Spark, after tables.<dialect>.sql.
create or replace view latest_windows as
with windows as (
    select
        monitor,
        window_start,
        window_end,
        max(run_id) as run_id, -- a run is named by the time at which it began
        row_number() over (
            -- Windows of time, datasets for a time (`--as-of`), and the dataset for no time.
            partition by monitor, window_start is null, window_end is null
            order by window_start desc, window_end desc
        ) as place
    from drift_scores
    group by monitor, window_start, window_end
), ran as (
    select *, row_number() over (partition by monitor order by run_id desc) as choice
    from windows
    where place = 1
)
select monitor, window_start, window_end from ran where choice = 1;

create or replace view latest_scores as
select scores.*
from drift_scores as scores
join latest_windows as latest
    on latest.monitor = scores.monitor
        and latest.window_start is not distinct from scores.window_start
        and latest.window_end is not distinct from scores.window_end;
