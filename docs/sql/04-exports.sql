-- What was exported?
-- opev fetch --action export --since 7d
select uuid, timestamp, stream, user_email, ip
from events
where date >= cast(now() - interval 7 day as date) and timestamp >= now() - interval 7 day
    and action = 'export'
order by timestamp;
