-- `drift_scores` of the latest window of each monitor.
-- For DuckDB and Spark, after tables.<dialect>.sql.
create or replace view latest_scores as
select scores.*
from drift_scores as scores
join (
    select monitor, max(window_end) as window_end from drift_scores group by monitor
) as latest
    on latest.monitor = scores.monitor and latest.window_end is not distinct from scores.window_end;
