-- What did one person do, and what was done to them? Sessions are left out.
-- opev fetch --user 'rafael antunes' --no-sessions --since 7d
select uuid, timestamp, stream, action, user_email, ip, object_email, aux_email
from events
where date >= cast(now() - interval 7 day as date) and timestamp >= now() - interval 7 day
    and (lower(user_name) = 'rafael antunes' or lower(object_name) = 'rafael antunes' or lower(aux_name) = 'rafael antunes')
    and not (stream = 'auditevents' and action in ('dlgsess', 'ssotknv'))
order by timestamp;
