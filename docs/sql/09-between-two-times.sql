-- What happened yesterday between 09:00 and 11:00?
-- opev fetch --since 'yesterday 09:00' --until 'yesterday 11:00'
select uuid, timestamp, stream, action, user_email, ip
from events
where date = cast(now() - interval 1 day as date)
    and timestamp >= date_trunc('day', now()) - interval 15 hour
    and timestamp < date_trunc('day', now()) - interval 13 hour
order by timestamp;
