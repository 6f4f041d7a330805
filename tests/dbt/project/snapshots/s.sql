{% snapshot orders_snapshot %}
{{ config(target_schema='analytics', unique_key='id', strategy='check', check_cols='all') }}
select * from {{ ref('orders') }}
{% endsnapshot %}
