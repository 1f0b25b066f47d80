-- One row per feature of the latest window that is not ok, the worst first, as in the report:
-- a feature that is worse in a segment than over all rows is shown in that segment. One that could
-- not be scored, as it has hardly any rows, is not worse.
-- For DuckDB and Spark, after latest_scores.sql and timeline.sql.
create or replace view worst_now as
with ranked as (
    select
        timeline.*,
        case
            when severity = 'critical' then 1
            when severity = 'warning' then 2
            when severity = 'unscored' and segment is null then 3
            when severity = 'unscored' then 5
            else 4
        end as badness,
        segment is not null as part
    from timeline
    join latest_windows as latest
        on latest.monitor = timeline.monitor
            and latest.window_start is not distinct from timeline.window_start
            and latest.window_end is not distinct from timeline.window_end
), chosen as (
    select
        *,
        row_number() over (
            partition by monitor, feature
            order by badness, part, times_over desc nulls last, segment
        ) as choice
    from ranked
)
select
    row_number() over (
        partition by monitor order by badness, times_over desc nulls last, feature
    ) as place,
    monitor,
    window_start,
    window_end,
    feature,
    segment,
    severity,
    drifts_since,
    metric,
    score,
    threshold_warning,
    threshold_critical,
    times_over,
    q_value,
    n_reference,
    n_current,
    alert,
    status,
    reason
from chosen
where choice = 1 and severity <> 'ok';
