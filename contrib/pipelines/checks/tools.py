"""What the checks share: packages from the registries, `opev`, its stand-in of the service, processes and their ends."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RECIPES = ROOT / "contrib" / "pipelines"
# Kept from run to run: hundreds of megabytes come over the network once.
KEPT = ROOT / "target" / "pipelines"
DEBIAN = KEPT / "debian"
# One command for each package, so that those that exclude each other can both be unpacked.
DEBIAN_PACKAGES = ["kcat", "redis-server", "nats-server", "rsyslog", "syslog-ng-core"]
PYTHON_PACKAGES = [
    "duckdb==2.0.1",
    "pyspark==4.3.0",
    "chdb==4.4.0",
    "confluent-kafka==2.16.1",
    "nats-py==2.16.0",
    "zstandard==0.25.0",
]


class NotHad(Exception):
    """An engine that cannot be had here, and why."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def make_venv():
    """The Python with the packages; those that cannot be had are missing there, and their checks say so."""
    python = KEPT / "venv" / "bin" / "python"
    mark = KEPT / "venv" / "installed"
    if mark.exists() and mark.read_text().split() == PYTHON_PACKAGES:
        return python
    say(f"Python packages go into {KEPT / 'venv'}; the first time takes minutes.")
    subprocess.run([sys.executable, "-m", "venv", KEPT / "venv"], check=True)
    for package in PYTHON_PACKAGES:
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
        if subprocess.run(pip).returncode != 0:
            say(f"{package} cannot be had here.")
    mark.write_text("\n".join(PYTHON_PACKAGES))
    return python


def unpack_debian():
    """Unpacks packages into a folder: nothing is installed, and no service is started."""
    mark = DEBIAN / "unpacked"
    if mark.exists():
        return
    if not shutil.which("apt-get"):
        say("No apt-get here: engines must be on the PATH.")
        return
    archives = DEBIAN / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    for package in DEBIAN_PACKAGES:
        plan = ["apt-get", "--print-uris", "-y", "-qq", "--no-install-recommends", "install", package]
        found = subprocess.run(plan, capture_output=True, text=True)
        names = re.findall(r"^'[^']*' ([^_\s]+)_", found.stdout, re.MULTILINE)
        if names:
            subprocess.run(["apt-get", "download", "-qq", *names], cwd=archives, stderr=subprocess.DEVNULL)
    for archive in archives.glob("*.deb"):
        subprocess.run(["dpkg", "-x", archive, DEBIAN], check=True)
    mark.touch()


def tool(name):
    """A program: what was unpacked, else what is installed."""
    path = os.pathsep.join([str(DEBIAN / "usr/bin"), str(DEBIAN / "usr/sbin"), os.environ["PATH"], "/usr/sbin"])
    found = shutil.which(name, path=path)
    if not found:
        raise NotHad(f"{name} is neither in Debian's packages here nor on the PATH")
    return found


def environment():
    """The environment of everything that is run: unpacked programs and their libraries first."""
    libraries = [DEBIAN / "usr/lib/x86_64-linux-gnu", DEBIAN / "usr/lib/aarch64-linux-gnu", DEBIAN / "usr/lib/syslog-ng"]
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "JAVA_HOME") if name in os.environ}
    programs = [KEPT / "venv/bin", DEBIAN / "usr/bin", DEBIAN / "usr/sbin", os.environ["PATH"]]
    return {
        **kept,
        "PATH": os.pathsep.join(map(str, programs)),
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
    }


def version(command, pattern=r"\d+\.\d+[.\d]*"):
    """The first number with dots that a program prints."""
    run = subprocess.run(command, capture_output=True, text=True, env=environment())
    found = re.search(pattern, run.stdout + run.stderr)
    return found.group() if found else "?"


def wait_for(what, condition, seconds=120):
    """Waits until the condition holds; a value that is not false is given back."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError(f"{what}: not within {seconds} s")


class Process:
    """A process in a group of its own, which ends with the check, whatever happens."""

    def __init__(self, command, folder, log="log", extra=None, **options):
        self.log = Path(folder) / log
        with self.log.open("ab") as log_file:
            options.setdefault("stdout", log_file)
            self.child = subprocess.Popen(
                list(map(str, command)),
                stderr=log_file,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd=folder,
                env={**environment(), **(extra or {})},
                **options,
            )

    def is_running(self):
        return self.child.poll() is None

    def kill(self):
        """SIGKILL, for this process alone."""
        if self.is_running():
            self.child.kill()
        self.child.wait()

    def stop(self):
        """The whole group, gently first."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.child.pid, how)
                self.child.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Account:
    """A stand-in of the service with a number of events, all of them before now, and `opev` as its client."""

    def __init__(self, opev, folder, events, days=10, latency="0ms"):
        self.opev, self.folder, self.variables = str(opev), Path(folder), {}
        self.now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - (days + 2) * 86400))
        announced = self.folder / "service.json"
        with announced.open("wb") as out:
            self.service = Process(
                [opev, "simulate", "--events", events, "--days", days, "--at", self.now, "--rhythm", "even"]
                + ["--latency", latency, "--token-file", self.folder / "token", "--announce", "json"],
                self.folder,
                log="service.log",
                stdout=out,
            )
        self.url = json.loads(wait_for("the simulator", announced.read_text))["base_url"]

    def command(self, *arguments):
        """An `opev` that knows this account, and nothing of the machine's own configuration."""
        own = ["--base-url", self.url, "--token-file", self.folder / "token", "--rate-limit", "0"]
        own += ["--state-dir", self.folder / "state"]
        return [self.opev, *arguments, *own]

    def environment(self):
        return {"XDG_CONFIG_HOME": str(self.folder / "config"), "NO_COLOR": "1", **self.variables}

    def start(self, *arguments, **options):
        return Process(self.command(*arguments), self.folder, log="opev.log", extra=self.environment(), **options)

    def truth(self):
        """The uuids that the service has, in truth.txt; asked for with a question, which keeps no position."""
        command = self.command("fetch", "--since", self.since, "--format", "ndjson", "--quiet")
        uuids = set()
        with Process(command, self.folder, extra=self.environment(), stdout=subprocess.PIPE) as question:
            for line in question.child.stdout:
                uuids.add(re.search(rb'"uuid":"([^"]*)"', line)[1].decode())
            if question.child.wait() != 0:
                raise RuntimeError(question.log.read_text()[-500:])
        (self.folder / "truth.txt").write_text("".join(f"{uuid}\n" for uuid in uuids))
        return uuids

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.service.stop()
