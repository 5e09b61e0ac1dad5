-- Views of a lake for ClickHouse (clickhouse-local, chdb), read before a question, in the directory that holds lake/.
-- Every field is named with its type, so that nothing depends on the events that a file begins with.
set session_timezone = 'UTC';
set use_hive_partitioning = 1;

create or replace view signinattempts as
select
    json.uuid as uuid, parseDateTime64BestEffortOrNull(json.timestamp, 6) as timestamp, toDateOrNull(json.date) as date,
    category, type, country, session_uuid,
    target_user.uuid as user_uuid, target_user.name as user_name, target_user.email as user_email,
    client.ip_address as ip, client.app_name as app, client.platform_name as device
from file('lake/signinattempts/*/*.ndjson.zst', 'JSONEachRow', '
    uuid Nullable(String), timestamp Nullable(String), category Nullable(String), type Nullable(String),
    country Nullable(String), session_uuid Nullable(String),
    target_user Tuple(uuid Nullable(String), name Nullable(String), email Nullable(String)),
    client Tuple(ip_address Nullable(String), app_name Nullable(String), platform_name Nullable(String)),
    date String') as json;

create or replace view itemusages as
select
    json.uuid as uuid, parseDateTime64BestEffortOrNull(json.timestamp, 6) as timestamp, toDateOrNull(json.date) as date,
    action, item_uuid, vault_uuid, used_version,
    user.uuid as user_uuid, user.name as user_name, user.email as user_email,
    client.ip_address as ip, client.app_name as app, client.platform_name as device
from file('lake/itemusages/*/*.ndjson.zst', 'JSONEachRow', '
    uuid Nullable(String), timestamp Nullable(String), action Nullable(String), item_uuid Nullable(String),
    vault_uuid Nullable(String), used_version Nullable(Int64),
    user Tuple(uuid Nullable(String), name Nullable(String), email Nullable(String)),
    client Tuple(ip_address Nullable(String), app_name Nullable(String), platform_name Nullable(String)),
    date String') as json;

create or replace view auditevents as
select
    json.uuid as uuid, parseDateTime64BestEffortOrNull(json.timestamp, 6) as timestamp, toDateOrNull(json.date) as date,
    action, object_type, object_uuid, aux_uuid, aux_info,
    actor_uuid as user_uuid, actor_details.name as user_name, actor_details.email as user_email,
    object_details.name as object_name, object_details.email as object_email,
    aux_details.name as aux_name, aux_details.email as aux_email,
    session.ip as ip, session.uuid as session_uuid, session.device_uuid as device_uuid
from file('lake/auditevents/*/*.ndjson.zst', 'JSONEachRow', '
    uuid Nullable(String), timestamp Nullable(String), action Nullable(String), object_type Nullable(String),
    object_uuid Nullable(String), aux_uuid Nullable(String), aux_info Nullable(String), actor_uuid Nullable(String),
    actor_details Tuple(name Nullable(String), email Nullable(String)),
    object_details Tuple(name Nullable(String), email Nullable(String)),
    aux_details Tuple(name Nullable(String), email Nullable(String)),
    session Tuple(ip Nullable(String), uuid Nullable(String), device_uuid Nullable(String)),
    date String') as json;

create or replace view events as
select 'signinattempts' as stream, uuid, timestamp, date, category as action, user_uuid, user_name, user_email,
    ip, null as object_name, null as object_email, null as aux_name, null as aux_email
from signinattempts
union all
select 'itemusages', uuid, timestamp, date, action, user_uuid, user_name, user_email, ip, null, null, null, null
from itemusages
union all
select 'auditevents', uuid, timestamp, date, action, user_uuid, user_name, user_email, ip,
    object_name, object_email, aux_name, aux_email
from auditevents;
