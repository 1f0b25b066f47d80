-- Every score over time: the one that decided, its limits, its severity, since when it drifts.
-- For DuckDB and Spark, after tables.<dialect>.sql.
create or replace view timeline as
with decided as (
    select
        *,
        -- The column that `metric` names; see the metrics of thresholds in docs/configuration.md.
        case metric
            when 'kl_reverse' then kl_reverse
            when 'js' then js
            when 'psi' then psi
            when 'hellinger' then hellinger
            when 'total_variation' then total_variation
            when 'wasserstein' then wasserstein
            when 'ks' then ks
            when 'wasserstein_std' then wasserstein_std
            when 'value_share_change' then value_share_change
            when 'bin_share_change' then bin_share_change
            when 'null_share_change' then null_share_change
            when 'null_share_ratio' then null_share_ratio
            when 'never_seen_current' then never_seen_current
            when 'tail_share_rise' then tail_share_rise
            when 'gaussian_kl' then gaussian_kl
            when 'kl_learned' then kl_learned
            when 'share_change' then share_change
            when 'share_ratio' then share_ratio
            else kl
        end as score,
        severity in ('critical', 'warning') as drifted
    from drift_scores
), ended as (
    select
        *,
        -- One window that did not is no end between two that drifted and one that does again, and
        -- those that could not be scored are passed over, such as weekends without rows.
        not drifted and not coalesce(
            lag(drifted) over in_order and lag(drifted, 2) over in_order
            and lead(drifted) over in_order,
            false
        ) as quiet
    from decided
    window in_order as (
        partition by monitor, feature, segment, severity = 'unscored'
        order by window_end nulls first
    )
), spells as (
    select
        *,
        sum(case when quiet then 1 else 0 end) over (
            partition by monitor, feature, segment, severity = 'unscored'
            order by window_end nulls first
            rows between unbounded preceding and current row
        ) as spell
    from ended
)
select
    monitor,
    window_start,
    window_end,
    feature,
    segment,
    severity,
    case
        when drifted then min(case when drifted then coalesce(window_start, window_end) end) over (
            partition by monitor, feature, segment, severity = 'unscored', spell
        )
    end as drifts_since,
    coalesce(metric, 'kl') as metric,
    score,
    threshold_warning,
    threshold_critical,
    -- How many times its smallest limit the score is; the score itself where there is none.
    score / coalesce(
        nullif(coalesce(threshold_warning, threshold_critical), 0), 1
    ) as times_over,
    kl,
    kl_low,
    kl_high,
    kl_expected,
    q_value,
    n_reference,
    n_current,
    missing_reference / nullif(n_reference, 0) as missing_share_reference,
    missing_current / nullif(n_current, 0) as missing_share_current,
    alert,
    alert_since,
    status,
    reason,
    run_id
from spells;
