-- Whose sign-ins failed, and from which address?
-- opev fetch signin --failed --since 7d
select uuid, timestamp, user_email, ip, country, type, app, device
from signinattempts
where date >= cast(now() - interval 7 day as date) and timestamp >= now() - interval 7 day
    and category like '%_failed'
order by timestamp;
