"""Receivers of events: queues and syslog daemons. Each is started with the recipe beside it, killed and started again."""

import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from . import tools
from .tools import Account, NotHad, Process, RECIPES, environment, tool, version, wait_for

PYTHON = tools.KEPT / "venv" / "bin" / "python"
KAFKA = Path(__file__).with_name("kafka.py")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def lines_of(path):
    path = Path(path)
    return path.read_bytes().count(b"\n") if path.exists() else 0


def uuids_of_lines(data):
    """Of whole lines: a last one may be under way."""
    return [json.loads(line)["uuid"] for line in data[: data.rfind(b"\n") + 1].splitlines()]


def uuids_of_file(path):
    return uuids_of_lines(path.read_bytes()) if path.exists() else []


class Receiver:
    """What is started, counted, killed and read; `arguments` is what `opev` is run with."""

    killed = "the server"

    def __init__(self, folder):
        self.folder, self.process, self.variables = Path(folder) / "receiver", None, {}
        self.folder.mkdir()
        self.prepare()

    def prepare(self):
        pass

    def arguments(self):
        return ["--batch-max", "200", "--exec", str(RECIPES / self.recipe)]

    def run(self, start):
        return start()

    def written(self):
        """How many events `opev` has got rid of."""
        return self.count()

    def kill(self):
        self.process.kill()

    def stop(self):
        if self.process:
            self.process.stop()


class Redis(Receiver):
    name, recipe = "Redis streams", "redis.sh"
    streams = ("signinattempts", "itemusages", "auditevents")

    def prepare(self):
        self.port = free_port()
        self.variables = {"REDIS": f"redis://127.0.0.1:{self.port}"}
        self.version = version([tool("redis-server"), "--version"])

    def start(self):
        self.process = Process(
            [tool("redis-server"), "--bind", "127.0.0.1", "--port", self.port, "--dir", self.folder, "--save", ""]
            + ["--appendonly", "yes", "--appendfsync", "always"],
            self.folder,
            log="redis.log",
        )
        wait_for("Redis", lambda: self.ask("PING") == b"PONG\n")

    def ask(self, *words):
        command = [tool("redis-cli"), "-u", self.variables["REDIS"], *words]
        return subprocess.run(command, capture_output=True, env=environment()).stdout

    def count(self):
        lengths = [self.ask("XLEN", f"{{opev}}.{stream}").strip() for stream in self.streams]
        return sum(int(length) for length in lengths if length.isdigit())

    def uuids(self):
        found = []
        for stream in self.streams:
            entries = self.ask("XRANGE", f"{{opev}}.{stream}", "-", "+")
            found += uuids_of_lines(b"".join(line for line in entries.splitlines(True) if line.startswith(b"{")))
        return found


class Nats(Receiver):
    name, recipe = "NATS JetStream", "jetstream.py"

    def prepare(self):
        self.port, self.monitor = free_port(), free_port()
        self.variables = {"NATS": f"nats://127.0.0.1:{self.port}"}
        self.version = version([tool("nats-server"), "--version"])

    def start(self):
        # Everything is synced before it is acknowledged only in newer servers; a killed process loses nothing it wrote.
        self.process = Process(
            [tool("nats-server"), "--addr", "127.0.0.1", "--port", self.port, "--jetstream", "--store_dir", self.folder]
            + ["--http_port", self.monitor],
            self.folder,
            log="nats.log",
        )
        wait_for("NATS", lambda: answers(self.port))
        self.client("make")

    def client(self, what):
        script = Path(__file__).with_name("nats_client.py")
        run = [PYTHON, script, self.variables["NATS"], what]
        return subprocess.run(run, capture_output=True, check=True, env=environment()).stdout

    def count(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}/jsz", timeout=5) as answer:
                return json.load(answer)["messages"]
        except OSError:
            return 0

    def uuids(self):
        return uuids_of_lines(self.client("read"))


class Kafka(Receiver):
    """The mock cluster of librdkafka lives in memory, so that it is the consumer that is killed."""

    name, recipe, killed = "Kafka (librdkafka's mock cluster of 3)", "kafka.sh", "the consumer"

    def prepare(self):
        self.version = version([tool("kcat"), "-V"], r"librdkafka \d+\.\d+\.\d+")
        self.output = self.folder / "consumed.ndjson"
        # The cluster lives as long as this process.
        self.cluster = Process([PYTHON, KAFKA, "cluster", "3"], self.folder, log="cluster.log")
        found = lambda: re.search(r"^127\.0\.0\.1.*$", self.cluster.log.read_text(), re.MULTILINE)  # noqa: E731
        self.variables = {"KAFKA": wait_for("the mock cluster", found)[0]}

    def start(self):
        command = [PYTHON, KAFKA, "consume", self.variables["KAFKA"], self.output]
        self.process = Process(command, self.folder, log="consumer.log")
        ready = self.process.log.read_text().count("ready")
        wait_for("the consumer", lambda: self.process.log.read_text().count("ready") > ready)

    def count(self):
        return lines_of(self.output)

    def uuids(self):
        return uuids_of_file(self.output)

    def stop(self):
        super().stop()
        self.cluster.stop()


class Syslog(Receiver):
    """A daemon that follows the managed file and writes another one."""

    killed = "the daemon"

    def prepare(self):
        self.source, self.output = self.folder / "log" / "events.ndjson", self.folder / "central" / "opev.ndjson"
        for directory in (self.source.parent, self.output.parent, self.folder / "spool"):
            directory.mkdir()
        text = (RECIPES / self.recipe).read_text()
        text = text.replace("/var/log/opev", str(self.source.parent))
        text = text.replace("/var/log/central", str(self.output.parent))
        self.configuration = self.folder / self.recipe
        self.configuration.write_text(text.replace("/var/spool/rsyslog", str(self.folder / "spool")))

    def arguments(self):
        # Small pages, so that there is a middle to be killed in.
        return ["-o", str(self.source), "--page-size", "50"]

    def written(self):
        return lines_of(self.source) if self.killed else self.count()

    def count(self):
        return lines_of(self.output)

    def uuids(self):
        return uuids_of_file(self.output)


class Rsyslog(Syslog):
    name, recipe = "rsyslog, from a file", "rsyslog.conf"

    def prepare(self):
        super().prepare()
        self.version = version([tool("rsyslogd"), "-v"])

    def start(self):
        modules = tools.DEBIAN / "usr/lib/x86_64-linux-gnu/rsyslog"
        where = ["-M", modules] if modules.exists() else []
        pid = self.folder / "rsyslog.pid"
        pid.unlink(missing_ok=True)
        command = [tool("rsyslogd"), "-n", "-f", self.configuration, "-i", pid, *where]
        self.process = Process(command, self.folder, log="daemon.log")


class SyslogNg(Syslog):
    name, recipe = "syslog-ng, from a file", "syslog-ng.conf"

    def prepare(self):
        super().prepare()
        self.version = version([tool("syslog-ng"), "--version"], r"\d+\.\d+\.\d+")

    def start(self):
        modules = next((tools.DEBIAN / "usr/lib/syslog-ng").glob("[0-9]*"), None)
        where = ["--module-path", modules] if modules else []
        command = [tool("syslog-ng"), "--foreground", "--no-caps", "-f", self.configuration, *where]
        command += ["-R", self.folder / "spool/persist", "-p", self.folder / "pid", "-c", self.folder / "control"]
        self.process = Process(command, self.folder, log="daemon.log")


class Pipe:
    """A pipe does not say what arrived, so that it is `opev` alone that is killed."""

    killed = None


class SyslogNgPipe(Pipe, SyslogNg):
    name, recipe = "syslog-ng, from a named pipe", "syslog-ng-pipe.conf"

    def prepare(self):
        super().prepare()
        self.fifo = self.folder / "events.fifo"
        os.mkfifo(self.fifo)
        self.configuration.write_text(self.configuration.read_text().replace("/run/opev/events.fifo", str(self.fifo)))

    def arguments(self):
        return ["-o", str(self.fifo), "--page-size", "50"]


class RsyslogPipe(Pipe, Rsyslog):
    name, recipe = "rsyslog, through a pipe to logger", "rsyslog-tcp.conf"

    def prepare(self):
        super().prepare()
        self.port = str(free_port())
        text = self.configuration.read_text()
        self.configuration.write_text(text.replace("10514", self.port))
        command = re.search(r"\| (logger .*)", text)[1].replace("10514", self.port).split()
        self.logger = [tool(command[0]), *command[1:]]

    def start(self):
        super().start()
        wait_for("rsyslog", lambda: answers(int(self.port)))

    def arguments(self):
        return ["--page-size", "50"]

    def run(self, start):
        """`opev`, with what it writes going through logger."""
        logger = subprocess.Popen(self.logger, stdin=subprocess.PIPE, env=environment(), start_new_session=True)
        run = start(stdout=logger.stdin)
        logger.stdin.close()
        return run


RECEIVERS = {"redis": Redis, "nats": Nats, "kafka": Kafka, "rsyslog": Rsyslog, "syslog-ng": SyslogNg,
             "rsyslog-pipe": RsyslogPipe, "syslog-ng-pipe": SyslogNgPipe}  # fmt: skip
NOT_RUN = {
    "fluent-bit": "no package of it in the registries; its configuration is not run",
    "vector": "no package of it in the registries; its configuration is not run",
    "otelcol": "no package of it in the registries; its configuration is not run",
}


def settle(receiver, truth):
    """Waits until everything is there, or nothing has come for a minute."""
    before, since = -1, time.monotonic()
    while not truth <= set(receiver.uuids()) and time.monotonic() - since < 60:
        count = receiver.count()
        if count != before:
            before, since = count, time.monotonic()
        time.sleep(0.5)
    # Repeats may follow.
    time.sleep(2)


def deliver(account, receiver, truth):
    """One kill of `opev` behind a fifth of the events, one of the receiver behind a half; then all is to arrive."""
    arguments = ["fetch", "--resume", "--since", account.since, "--quiet", "--retry-for", "1m", *receiver.arguments()]

    def start():
        return receiver.run(lambda **options: account.start(*arguments, **options))

    def reaches(part, count, run):
        wait_for(f"{part} events", lambda: count() >= part or not run.is_running())
        return count() < total

    total = len(truth)
    receiver.start()
    run = start()
    in_the_middle = reaches(total // 5, receiver.written, run)
    run.kill()
    killed = run.child.returncode == -9 and in_the_middle
    run = start()
    received = reaches(total // 2, receiver.count, run)
    if receiver.killed:
        receiver.kill()
        time.sleep(1)
        receiver.start()
    for _ in range(5):
        if run.child.wait() == 0:
            break
        run = start()
    settle(receiver, truth)
    faults = [] if run.child.returncode == 0 else [f"opev: {run.log.read_text()[-300:]}"]
    faults += [] if killed else ["opev was not killed in the middle"]
    faults += [] if received or not receiver.killed else ["the receiver was not killed in the middle"]
    return faults


def check(opev, folder, events, name):
    """A row of the table."""
    if name in NOT_RUN:
        return {"engine": name, "not had": NOT_RUN[name]}
    row = {"engine": RECEIVERS[name].name}
    receiver = None
    try:
        receiver = RECEIVERS[name](folder)
        with Account(opev, folder, events, latency="30ms") as account:
            account.variables = receiver.variables
            truth = account.truth()
            faults = deliver(account, receiver, truth)
            found = receiver.uuids()
        distinct = set(found)
        faults += [f"{len(truth - distinct)} lost"] if truth - distinct else []
        faults += [f"{len(distinct - truth)} foreign"] if distinct - truth else []
        return row | {
            "version": receiver.version, "in": len(truth), "out": len(distinct & truth),
            "repeats": len(found) - len(distinct), "opev killed": 1, "receiver killed": f"1, {receiver.killed}" if receiver.killed else "no",
            "faults": faults,
        }  # fmt: skip
    except NotHad as why:
        return row | {"not had": str(why)}
    finally:
        if receiver:
            receiver.stop()
