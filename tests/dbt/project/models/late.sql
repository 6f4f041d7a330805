{{ config(materialized='view', bind=False) }}
select day, n from {{ ref('daily') }}
