-- Who touched single sign-on or second factors?
-- opev fetch audit --action '*sso,*mfa,*duo' --since 7d
select uuid, timestamp, user_email, ip, action, object_type
from auditevents
where date >= cast(now() - interval 7 day as date) and timestamp >= now() - interval 7 day
    and (action like '%sso' or action like '%mfa' or action like '%duo')
order by timestamp;
