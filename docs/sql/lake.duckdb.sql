-- Views of a lake for DuckDB, read before a question, in the directory that holds lake/.
-- Every field is named with its type, so that nothing depends on the events that a file begins with.
set timezone = 'UTC';

create or replace temporary view signinattempts as
select
    uuid, try_cast(timestamp as timestamptz) as timestamp, try_cast(date as date) as date,
    category, type, country, session_uuid,
    target_user.uuid as user_uuid, target_user.name as user_name, target_user.email as user_email,
    client.ip_address as ip, client.app_name as app, client.platform_name as device
from read_ndjson(
    'lake/signinattempts/*/*.ndjson.zst', hive_partitioning = true, hive_types = {date: varchar},
    columns = {
        uuid: 'varchar', timestamp: 'varchar', category: 'varchar', type: 'varchar', country: 'varchar',
        session_uuid: 'varchar', target_user: 'struct(uuid varchar, name varchar, email varchar)',
        client: 'struct(ip_address varchar, app_name varchar, platform_name varchar)'
    });

create or replace temporary view itemusages as
select
    uuid, try_cast(timestamp as timestamptz) as timestamp, try_cast(date as date) as date,
    action, item_uuid, vault_uuid, used_version,
    "user".uuid as user_uuid, "user".name as user_name, "user".email as user_email,
    client.ip_address as ip, client.app_name as app, client.platform_name as device
from read_ndjson(
    'lake/itemusages/*/*.ndjson.zst', hive_partitioning = true, hive_types = {date: varchar},
    columns = {
        uuid: 'varchar', timestamp: 'varchar', action: 'varchar', item_uuid: 'varchar', vault_uuid: 'varchar',
        used_version: 'bigint', "user": 'struct(uuid varchar, name varchar, email varchar)',
        client: 'struct(ip_address varchar, app_name varchar, platform_name varchar)'
    });

create or replace temporary view auditevents as
select
    uuid, try_cast(timestamp as timestamptz) as timestamp, try_cast(date as date) as date,
    action, object_type, object_uuid, aux_uuid, aux_info,
    actor_uuid as user_uuid, actor_details.name as user_name, actor_details.email as user_email,
    object_details.name as object_name, object_details.email as object_email,
    aux_details.name as aux_name, aux_details.email as aux_email,
    session.ip as ip, session.uuid as session_uuid, session.device_uuid as device_uuid
from read_ndjson(
    'lake/auditevents/*/*.ndjson.zst', hive_partitioning = true, hive_types = {date: varchar},
    columns = {
        uuid: 'varchar', timestamp: 'varchar', action: 'varchar', object_type: 'varchar', object_uuid: 'varchar',
        aux_uuid: 'varchar', aux_info: 'varchar', actor_uuid: 'varchar',
        actor_details: 'struct(name varchar, email varchar)', object_details: 'struct(name varchar, email varchar)',
        aux_details: 'struct(name varchar, email varchar)',
        session: 'struct(ip varchar, uuid varchar, device_uuid varchar)'
    });

create or replace temporary view events as
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
