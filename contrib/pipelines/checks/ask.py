"""Asks a lake the questions of docs/sql and prints the answers as JSON, a list of rows for each file.

python3 ask.py duckdb|spark|clickhouse SQL_DIRECTORY NOW      in the directory that holds lake/

NOW (RFC 3339, UTC) stands in the place of now(), so that two engines mean the same moment. Each row is an object.
Where truth.txt lies beside lake/, a uuid a line, the answer says how many of them are not in the lake, and how many of
the lake are not in it.
"""

import json
import sys
from pathlib import Path


def statements(text):
    """The statements of a file; none of them has a semicolon in a text or a comment."""
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]


def duckdb_engine():
    import duckdb

    connection = duckdb.connect()

    def run(sql):
        found = connection.execute(sql)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row)) for row in found.fetchall()]

    truth = "create view truth as select * from read_csv('truth.txt', header = false, columns = {uuid: 'varchar'})"
    return run, "timestamptz '{}+00'", truth, duckdb.__version__


def spark_engine():
    import pyspark
    from pyspark.sql import SparkSession

    # Two workers, each a process of its own with one core and 1,024 MiB; nothing of it listens beyond this machine.
    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    return (
        lambda sql: [row.asDict() for row in session.sql(sql).collect()],
        "timestamp '{}+00:00'",
        "create temporary view truth (uuid string) using csv options (path 'truth.txt')",
        pyspark.__version__,
    )


def clickhouse_engine():
    import chdb
    from chdb.session import Session

    session = Session()

    def run(sql):
        wanted = "JSONEachRow" if sql.lower().startswith(("select", "with")) else "Null"
        text = bytes(session.query(sql, wanted).bytes() or b"").decode()
        return [json.loads(line) for line in text.splitlines()]

    truth = "create view truth as select * from file('truth.txt', 'TSV', 'uuid String')"
    return run, "toDateTime64('{}', 6, 'UTC')", truth, chdb.__version__


ENGINES = {"duckdb": duckdb_engine, "spark": spark_engine, "clickhouse": clickhouse_engine}


def main(engine, directory, now):
    run, moment, truth, version = ENGINES[engine]()
    moment = moment.format(now.replace("T", " ").rstrip("Z"))
    for statement in statements((Path(directory) / f"lake.{engine}.sql").read_text()):
        run(statement)
    answers = {}
    for file in sorted(Path(directory).glob("[0-9]*.sql")):
        (question,) = statements(file.read_text())
        answers[file.name] = run(question.replace("now()", moment))
    total = run("select count(*) as events, count(distinct uuid) as uuids from events")[0]
    if Path("truth.txt").exists():
        run(truth)
        for name, one, other in [("lost", "truth", "events"), ("foreign", "events", "truth")]:
            difference = f"select uuid from {one} except distinct select uuid from {other}"
            total |= run(f"select count(*) as {name} from ({difference}) as difference")[0]
    json.dump({"version": str(version), "total": total, "answers": answers}, sys.stdout, default=str)


main(*sys.argv[1:])
