{{ config(materialized='incremental', unique_key='day') }}
select ordered_at::date as day, count(*) as n from {{ ref('orders') }}
{% if is_incremental() %} where ordered_at >= (select max(day) from {{ this }}) {% endif %}
group by 1
