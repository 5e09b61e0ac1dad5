-- Which items and vaults did one person see or take out, and how often? That is the list of what to rotate.
-- opev exposure --user 'rafael antunes' --since 90d
with seen as (
    select item_uuid, vault_uuid, timestamp, date, user_name from itemusages
    union all
    select object_uuid, aux_uuid, timestamp, date, user_name
    from auditevents where action = 'share' and object_type = 'item'
    union all
    select null, object_uuid, timestamp, date, user_name
    from auditevents where action = 'export' and object_type = 'vault'
)
select item_uuid, vault_uuid, count(*) as count, min(timestamp) as first_seen, max(timestamp) as last_seen
from seen
where date >= cast(now() - interval 90 day as date) and timestamp >= now() - interval 90 day
    and lower(user_name) = 'rafael antunes'
group by item_uuid, vault_uuid
order by 5 desc;
