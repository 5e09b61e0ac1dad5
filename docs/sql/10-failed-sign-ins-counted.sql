-- How often did whose sign-ins fail, from which address?
-- opev summary signin --by user,ip --failed --since 7d
select coalesce(nullif(user_email, ''), nullif(user_name, ''), user_uuid) as person, ip, count(*) as count
from signinattempts
where date >= cast(now() - interval 7 day as date) and timestamp >= now() - interval 7 day
    and category like '%_failed'
group by 1, 2
order by 3 desc, 1, 2;
