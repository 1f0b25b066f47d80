-- The alerts of all monitors: those that are open first, then the latest.
-- For DuckDB and Spark, after alerts.<dialect>.sql.
create or replace view alert_list as
select
    row_number() over (order by closed is not null, opened desc, monitor, feature, segment) as place,
    monitor,
    case
        when closed is not null then 'closed'
        when muted_by is not null then 'muted'
        else 'open'
    end as state,
    feature,
    features,
    segment,
    since,
    opened,
    closed,
    windows,
    peak,
    p_value,
    muted_by,
    muted_until,
    why
from alerts;
