"""What DuckDB counts of the events in a file: every section of `opev summary`, as JSON on standard output.

python3 summary.py EVENTS.ndjson
"""

import json
import sys

import duckdb

TEXT = "VARCHAR"
USER = "STRUCT(uuid VARCHAR, name VARCHAR, email VARCHAR, user_type VARCHAR)"
COLUMNS = {
    "uuid": TEXT,
    "timestamp": TEXT,
    "category": TEXT,
    "type": TEXT,
    "country": TEXT,
    "action": TEXT,
    "object_type": TEXT,
    "object_uuid": TEXT,
    "item_uuid": TEXT,
    "vault_uuid": TEXT,
    "used_version": "BIGINT",
    "actor_uuid": TEXT,
    "actor_type": TEXT,
    "target_user": USER,
    "user": USER,
    "actor_details": USER,
    "client": "STRUCT(app_name VARCHAR, platform_name VARCHAR, ip_address VARCHAR)",
    "session": "STRUCT(ip VARCHAR)",
    "location": "STRUCT(country VARCHAR, city VARCHAR, latitude DOUBLE, longitude DOUBLE)",
}

db = duckdb.connect()
columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
db.execute(
    f"""CREATE TABLE raw AS SELECT * FROM read_json('{sys.argv[1]}', format='newline_delimited',
        columns={{{columns}}})"""
)
# A code of two letters stands for the name that other events of the same code have.
db.execute(
    """CREATE TABLE country_names AS SELECT country AS code, any_value(location.country) AS name FROM raw
       WHERE country IS NOT NULL AND location.country IS NOT NULL GROUP BY 1"""
)
db.execute(
    """CREATE TABLE events AS SELECT *,
         CASE WHEN category IS NOT NULL THEN 'signinattempts' WHEN used_version IS NOT NULL THEN 'itemusages'
              ELSE 'auditevents' END AS stream,
         CASE WHEN category IS NOT NULL THEN target_user WHEN used_version IS NOT NULL THEN "user"
              ELSE actor_details END AS who,
         CASE coalesce(location.country, (SELECT name FROM country_names WHERE code = country), country)
           WHEN 'Myanmar' THEN 'Myanmar (Burma)'
           ELSE coalesce(location.country, (SELECT name FROM country_names WHERE code = country), country) END AS place,
         coalesce(client.ip_address, session.ip) AS ip,
         CAST(timestamp AS TIMESTAMPTZ) AS moment,
         coalesce(action IN ('dlgsess', 'ssotknv') AND used_version IS NULL, false) AS traffic
       FROM raw"""
)
db.execute("SET TimeZone='UTC'")
db.execute(
    """CREATE VIEW e AS SELECT *, coalesce(nullif(who.email, ''), nullif(who.name, ''), who.uuid, actor_uuid) AS person,
         coalesce(category LIKE '%_failed', false) AS failed
       FROM events WHERE NOT traffic"""
)

OUTCOME = """CASE category WHEN 'success' THEN 'succeeded' WHEN 'firewall_reported_success' THEN 'reported'
             ELSE CASE WHEN failed THEN 'failed' ELSE category END END"""
EXPORTED = "category IS NULL AND action IN ('export', 'sendpkg', 'share')"
OWN = "('device', 'dlgdsess', 'file', 'item', 'itemhist', 'items', 'ssotkn')"
SECTIONS = {
    "streams": """SELECT CASE WHEN traffic THEN 'session_traffic' ELSE stream END, count(*) FROM events GROUP BY 1""",
    "timeline": """SELECT strftime(moment, '%Y-%m-%d'), count(*) FILTER (stream = 'signinattempts'),
        count(*) FILTER (stream = 'itemusages'), count(*) FILTER (stream = 'auditevents' AND NOT traffic),
        count(*) FILTER (traffic) FROM events GROUP BY 1""",
    "hours": "SELECT strftime(moment, '%a'), hour(moment), count(*) FROM e GROUP BY ALL",
    "sign_ins": f"SELECT {OUTCOME}, type, count(*) FROM e WHERE category IS NOT NULL GROUP BY ALL",
    "failed_sign_ins": "SELECT person, ip, place, count(*) FROM e WHERE failed GROUP BY ALL",
    "users": "SELECT person, count(*) FROM e GROUP BY ALL",
    "countries": "SELECT place, count(*) FROM e GROUP BY ALL",
    "clients": "SELECT client.app_name, count(*) FROM e GROUP BY ALL",
    "actions": "SELECT stream, coalesce(category, action), object_type, count(*) FROM e GROUP BY ALL",
    "items": "SELECT item_uuid, vault_uuid, count(*) FROM e WHERE stream = 'itemusages' GROUP BY ALL",
    "vaults": "SELECT vault_uuid, count(*) FROM e WHERE stream = 'itemusages' GROUP BY ALL",
    "exports_and_shares": f"""SELECT stream, action, object_type, person, coalesce(item_uuid, object_uuid), count(*)
        FROM e WHERE {EXPORTED} GROUP BY ALL""",
    "changes": f"""SELECT stream, action, object_type, person, count(*) FROM e
        WHERE stream = 'auditevents' AND NOT ({EXPORTED}) AND object_type NOT IN {OWN} GROUP BY ALL""",
    "exposure": """SELECT person, count(DISTINCT item_uuid), count(*) FROM e
        WHERE stream = 'itemusages' AND person IS NOT NULL AND item_uuid IS NOT NULL GROUP BY ALL""",
    "first_seen": """WITH v AS (
          SELECT person, unnest([['country', place], ['device', client.platform_name], ['client', client.app_name],
            ['address', ip]]) AS kv, moment FROM e WHERE NOT failed AND person IS NOT NULL),
        f AS (SELECT person, kv[1] AS kind, kv[2] AS value, min(moment) AS first, count(*) AS n FROM v
              WHERE kv[2] IS NOT NULL AND kv[2] <> '' GROUP BY ALL)
        SELECT person, kind, value, n FROM f a
        WHERE first > (SELECT min(first) FROM f b WHERE b.person = a.person AND b.kind = a.kind)""",
    "places": """SELECT location.city, place, count(*) FILTER (NOT failed), count(*) FILTER (failed) FROM e
        WHERE category IS NOT NULL AND location.latitude IS NOT NULL GROUP BY ALL""",
    "travel": """WITH s AS (
          SELECT person, location.city AS city, location.country AS country, location.latitude AS lat,
            location.longitude AS lon, moment FROM e
          WHERE category IS NOT NULL AND NOT failed AND location.latitude IS NOT NULL),
        stays AS (SELECT person, city, country, lat, lon, unnest([min(moment), max(moment)]) AS moment FROM s
          GROUP BY person, city, country, lat, lon, time_bucket(INTERVAL 1 HOUR, moment)),
        m AS (SELECT DISTINCT * FROM stays),
        pairs AS (SELECT *, lag(city) OVER w AS city0, lag(lat) OVER w AS lat0, lag(lon) OVER w AS lon0,
            lag(moment) OVER w AS moment0 FROM m WINDOW w AS (PARTITION BY person ORDER BY moment, lat, lon)),
        d AS (SELECT *, 2 * 6371 * asin(least(1, sqrt(pow(sin(radians(lat - lat0) / 2), 2)
            + cos(radians(lat0)) * cos(radians(lat)) * pow(sin(radians(lon - lon0) / 2), 2)))) AS km,
            epoch(moment) - epoch(moment0) AS seconds FROM pairs WHERE lat0 IS NOT NULL)
        SELECT person, round(km)::BIGINT, floor(seconds / 60)::BIGINT FROM d
        WHERE km > 500 AND km > 900 * seconds / 3600""",
}

result = {name: db.execute(sql).fetchall() for name, sql in SECTIONS.items()}
json.dump(result, sys.stdout, default=str)
