-- The tables of Databricks' data profiling, `profile_metrics` and `drift_metrics`, by its names of
-- columns, so that queries and dashboards that were written for them find their columns here.
-- For DuckDB, after profile_cells.sql, `monitor` is one more column, for one folder holds several.
-- Null, because the tables hold nothing of the kind: granularity (a window has its two ends), all
-- versions, quantiles, median, distinct values, lengths of texts, non_null_columns, window_cmp (the
-- reference is a dataset and no window), percent_zeros_delta, chi_squared_test and the p-value of ks_test.
-- data_type is kldrift's `kind`, num_zeros is known where zero has a cell of its own or lies beyond
-- the range, num_nan of numbers and of categories that were floats, frequent_items are values with
-- a cell of their own. js_distance is the root of `js` in units of ln 2, from 0 to 1. Slices of several
-- columns have the whole name of the segment as their key and `true` as their value.
create or replace view profile_metrics as
select
    {'start': window_start, 'end': window_end} as "window",
    case dataset when 'current' then 'INPUT' else 'BASELINE' end as log_type,
    cast(null as integer) as logging_table_commit_version,
    cast(null as bigint) as monitor_version,
    cast(null as varchar) as granularity,
    case when instr(segment, ', ') > 0 then segment else split_part(segment, '=', 1) end as slice_key,
    case
        when instr(segment, ', ') > 0 then 'true'
        else substring(segment, instr(segment, '=') + 1)
    end as slice_value,
    feature as column_name,
    cast(sum(rows) as bigint) as count,
    kind as data_type,
    cast(sum(case when cell_kind = 'null' then rows else 0 end) as bigint) as num_nulls,
    max(mean) as avg,
    cast(null as double[]) as quantiles,
    max(minimum) as min,
    max(maximum) as max,
    sqrt(max(m2) / nullif(max(moment_rows) - 1, 0)) as stddev,
    cast(case
        when kind <> 'numeric' then null
        when max(minimum) > 0 or max(maximum) < 0 then 0
        else sum(case when cell_kind = 'value' and lower = 0 then rows end)
    end as bigint) as num_zeros,
    cast(sum(case when cell_kind = 'nan' then rows else 0 end) as bigint) as num_nan,
    cast(null as double) as min_length,
    cast(null as double) as max_length,
    cast(null as double) as avg_length,
    cast(null as varchar[]) as non_null_columns,
    list({'item': label, 'count': rows} order by rows desc, label)
        filter (where label is not null) as frequent_items,
    cast(null as double) as median,
    cast(null as bigint) as distinct_count,
    100 * sum(case when cell_kind = 'nan' then rows else 0 end) / sum(rows) as percent_nan,
    100 * sum(case when cell_kind = 'null' then rows else 0 end) / sum(rows) as percent_null,
    100 * case
        when kind <> 'numeric' then null
        when max(minimum) > 0 or max(maximum) < 0 then 0
        else sum(case when cell_kind = 'value' and lower = 0 then rows end)
    end / sum(rows) as percent_zeros,
    cast(null as double) as percent_distinct,
    monitor
from profile_cells
where segment_list is null or segment is not null
group by monitor, dataset, reference_id, window_start, window_end, segment, feature, kind;

create or replace view drift_metrics as
select
    {'start': window_start, 'end': window_end} as "window",
    cast(null as varchar) as granularity,
    cast(null as bigint) as monitor_version,
    case when instr(segment, ', ') > 0 then segment else split_part(segment, '=', 1) end as slice_key,
    case
        when instr(segment, ', ') > 0 then 'true'
        else substring(segment, instr(segment, '=') + 1)
    end as slice_value,
    case when kind = 'volume' then ':table' else feature end as column_name,
    kind as data_type,
    cast(null as struct("start" timestamptz, "end" timestamptz)) as window_cmp,
    'BASELINE' as drift_type,
    n_current - n_reference as count_delta,
    mean_current - mean_reference as avg_delta,
    100 * (missing_current / nullif(n_current, 0) - missing_reference / nullif(n_reference, 0))
        as percent_null_delta,
    cast(null as double) as percent_zeros_delta,
    cast(null as double) as percent_distinct_delta,
    cast(null as struct(added integer, missing integer)) as non_null_columns_delta,
    sqrt(js / ln(2)) as js_distance,
    case when ks is not null then {'statistic': ks, 'pvalue': cast(null as double)} end as ks_test,
    wasserstein as wasserstein_distance,
    psi as population_stability_index,
    cast(null as struct(statistic double, pvalue double)) as chi_squared_test,
    total_variation as tv_distance,
    case when kind = 'categorical' then value_share_change end as l_infinity_distance,
    monitor
from drift_scores;
