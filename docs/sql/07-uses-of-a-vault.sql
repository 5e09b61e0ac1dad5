-- Who uses a vault?
-- opev fetch items --vault xmfrqynjo73tfitwddbbq2lrnf --since 7d
select uuid, timestamp, user_email, action, item_uuid, ip, app, device
from itemusages
where date >= cast(now() - interval 7 day as date) and timestamp >= now() - interval 7 day
    and vault_uuid = 'xmfrqynjo73tfitwddbbq2lrnf'
order by timestamp;
