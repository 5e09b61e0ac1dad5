-- Who was suspended, and by whom?
-- opev fetch audit --action suspend --since 7d
select uuid, timestamp, object_email, object_uuid, user_email, ip
from auditevents
where date >= cast(now() - interval 7 day as date) and timestamp >= now() - interval 7 day
    and action = 'suspend'
order by timestamp;
