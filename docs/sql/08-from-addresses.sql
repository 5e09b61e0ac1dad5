-- Who signed in, or tried to, from these addresses?
-- opev fetch signin --ip 203.0.113.0/24 --since 7d
select uuid, timestamp, user_email, ip, country, category, type
from signinattempts
where date >= cast(now() - interval 7 day as date) and timestamp >= now() - interval 7 day
    and (ip like '203.0.113.%' or lower(ip) like '::ffff:203.0.113.%')
order by timestamp;
