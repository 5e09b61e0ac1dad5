-- Views of a lake for Spark 4.1 and later, read before a question, in the directory that holds lake/.
-- Every field is named with its type, so that no file is read to find out.
set spark.sql.session.timeZone = UTC;

create or replace temporary view signinattempts_json (
    uuid string, timestamp string, category string, type string, country string, session_uuid string,
    target_user struct<uuid: string, name: string, email: string>,
    client struct<ip_address: string, app_name: string, platform_name: string>, date date
) using json options (path 'lake/signinattempts');

create or replace temporary view itemusages_json (
    uuid string, timestamp string, action string, item_uuid string, vault_uuid string, used_version bigint,
    user struct<uuid: string, name: string, email: string>,
    client struct<ip_address: string, app_name: string, platform_name: string>, date date
) using json options (path 'lake/itemusages');

create or replace temporary view auditevents_json (
    uuid string, timestamp string, action string, object_type string, object_uuid string, aux_uuid string,
    aux_info string, actor_uuid string, actor_details struct<name: string, email: string>,
    object_details struct<name: string, email: string>, aux_details struct<name: string, email: string>,
    session struct<ip: string, uuid: string, device_uuid: string>, date date
) using json options (path 'lake/auditevents');

create or replace temporary view signinattempts as
select
    uuid, try_cast(timestamp as timestamp) as timestamp, date, category, type, country, session_uuid,
    target_user.uuid as user_uuid, target_user.name as user_name, target_user.email as user_email,
    client.ip_address as ip, client.app_name as app, client.platform_name as device
from signinattempts_json;

create or replace temporary view itemusages as
select
    uuid, try_cast(timestamp as timestamp) as timestamp, date, action, item_uuid, vault_uuid, used_version,
    user.uuid as user_uuid, user.name as user_name, user.email as user_email,
    client.ip_address as ip, client.app_name as app, client.platform_name as device
from itemusages_json;

create or replace temporary view auditevents as
select
    uuid, try_cast(timestamp as timestamp) as timestamp, date, action, object_type, object_uuid, aux_uuid, aux_info,
    actor_uuid as user_uuid, actor_details.name as user_name, actor_details.email as user_email,
    object_details.name as object_name, object_details.email as object_email,
    aux_details.name as aux_name, aux_details.email as aux_email,
    session.ip as ip, session.uuid as session_uuid, session.device_uuid as device_uuid
from auditevents_json;

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
