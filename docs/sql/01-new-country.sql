-- Who signed in from a new country? Put the countries where your people work.
-- opev fetch signin --succeeded --country '!CA,!NL,!PT,!JP,!BR' --since 7d
select uuid, timestamp, user_email, country, ip, app, device
from signinattempts
where date >= cast(now() - interval 7 day as date) and timestamp >= now() - interval 7 day
    and category in ('success', 'firewall_reported_success')
    and coalesce(country, '') not in ('CA', 'NL', 'PT', 'JP', 'BR')
order by timestamp;
