"""A lake under kills: the same events as the service has, and never a partial file under a final name."""

import hashlib
import json
import random
import shlex
import subprocess
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

from . import tools
from .tools import ROOT, Account, NotHad, say

PATTERN = "lake/{stream}/date={date}/{batch}.ndjson.zst"
SQL = ROOT / "docs" / "sql"


class Watcher(threading.Thread):
    """Looks at every file with a final name, all the time: whole from the first look on, and never with other bytes.

    A new inode under a known name is a file that was written again after a kill: its bytes must be the same.
    """

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.directory, self.seen, self.faults = Path(directory), {}, []
        self.looks, self.replaced, self.ended = 0, 0, threading.Event()

    def look(self):
        self.looks += 1
        for path in self.directory.rglob("*.ndjson.zst"):
            if path.name.startswith("."):
                continue
            status = path.stat()
            identity = (status.st_ino, status.st_size, status.st_mtime_ns)
            known = self.seen.get(path)
            if known and known[0] == identity:
                continue
            content = path.read_bytes()
            digest = hashlib.sha256(content).digest()
            if fault := incomplete(content):
                self.faults.append(f"{path.name}: {fault}")
            if known and known[1] != digest:
                self.faults.append(f"{path.name}: its bytes changed")
            self.replaced += bool(known)
            self.seen[path] = (identity, digest)

    def run(self):
        while not self.ended.is_set():
            self.look()
            time.sleep(0.02)
        self.look()

    def stop(self):
        self.ended.set()
        self.join()


def incomplete(content):
    """What is missing in a file of lines that zstd compressed, or nothing."""
    import zstandard

    try:
        decompressor = zstandard.ZstdDecompressor().decompressobj()
        text = decompressor.decompress(content)
    except zstandard.ZstdError as error:
        return str(error)
    if not decompressor.eof:
        return "it ends within a frame"
    return None if text.endswith(b"\n") else "it ends within a line"


def assert_that_the_watcher_sees(folder):
    """A watcher that misses a partial or a changed file would prove nothing."""
    import zstandard

    whole = zstandard.compress(b'{"uuid":"E1"}\n' * 1000)
    watcher = Watcher(folder / "planted")
    file = folder / "planted" / "x.ndjson.zst"
    file.parent.mkdir()
    file.write_bytes(whole)
    watcher.look()
    assert not watcher.faults
    file.write_bytes(whole[:-5])
    watcher.look()
    assert len(watcher.faults) == 2, watcher.faults


def fill(account, kills, roll, seed=7):
    """Fetches into the lake, killed again and again behind one to three new files; at last it may end."""
    dice, done = random.Random(seed), 0
    lake = account.folder / "lake"
    arguments = ["fetch", "--resume", "--since", account.since, "-o", PATTERN, "--roll", roll, "--quiet"]

    def count():
        return sum(1 for path in lake.rglob("*.ndjson.zst") if not path.name.startswith("."))

    while True:
        run = account.start(*arguments)
        wanted = count() + dice.randint(1, 3)
        while done < kills and run.is_running() and count() < wanted:
            time.sleep(0.01)
        if done < kills and run.is_running():
            time.sleep(dice.random() / 2)
            run.kill()
            done += run.child.returncode == -9
            continue
        code = run.child.wait()
        if code != 0:
            raise RuntimeError(f"opev ended with {code}: {run.log.read_text()[-500:]}")
        return done


def ask(engine, folder, now):
    """The answers of an engine to the questions of docs/sql."""
    python = tools.KEPT / "venv" / "bin" / "python"
    run = subprocess.run(
        [python, Path(__file__).with_name("ask.py"), engine, SQL, now],
        cwd=folder, capture_output=True, text=True, env=tools.environment(),
    )  # fmt: skip
    if run.returncode != 0:
        last = run.stderr.strip().splitlines()[-1:] or ["no message"]
        if "ModuleNotFoundError" in last[0] or "JAVA_GATEWAY" in run.stderr:
            raise NotHad(last[0])
        raise RuntimeError(f"{engine}: {run.stderr[-1500:]}")
    return json.loads(run.stdout)


def of_opev(account, file, now):
    """What `opev` answers to the command in the second line of a file, from the same lake."""
    words = shlex.split(file.read_text().splitlines()[1].removeprefix("-- "))
    at = datetime.fromisoformat(now.rstrip("Z"))
    for place, word in enumerate(words):
        if words[place - 1] == "--since" and word.endswith("d"):
            words[place] = (at - timedelta(days=int(word[:-1]))).isoformat() + "Z"
        elif word.startswith("yesterday "):
            words[place] = f"{(at - timedelta(days=1)).date()}T{word.split()[1]}:00Z"
    words += ["--from", "lake", "--format", "ndjson", "--quiet"]
    words += ["--top", "1000000"] if words[1] == "summary" else []
    run = subprocess.run([account.opev, *words[1:]], cwd=account.folder, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def compared(rows, names):
    return sorted(json.dumps([row.get(name) or "" for name in names]) for row in rows)


def differing(answers, right):
    """The files whose answers are not those of `opev`."""
    different = []
    for name, expected in right.items():
        found = answers[name]
        names = ["person", "ip", "action", "day", "item_uuid", "vault_uuid", "count"]
        names = [column for column in names if found and column in found[0]]
        if found and "uuid" in found[0]:
            names = ["uuid"]
        for row in expected:
            row["person"] = row.get("user")
        if not found or compared(found, names) != compared(expected, names):
            different.append(f"{name} ({len(found)} rows and {len(expected)})")
    return different


def check(opev, folder, events, kills, engines):
    """Rows of the table."""
    assert_that_the_watcher_sees(folder)
    roll = "8MiB" if events > 500_000 else "400KB"
    with Account(opev, folder, events) as account:
        truth = len(account.truth())
        watcher = Watcher(folder / "lake")
        watcher.start()
        begun = time.monotonic()
        done = fill(account, kills, roll)
        say(f"lake: filled in {time.monotonic() - begun:.0f} s with {done} kills")
        watcher.stop()
        unfinished = [path.name for path in (folder / "lake").rglob(".*")]
        say(
            f"lake: {len(watcher.seen)} files, {watcher.looks} looks, {watcher.replaced} written again with the same "
            f"bytes, {len(watcher.faults)} partial or changed, {len(unfinished)} unfinished left"
        )
        faults = watcher.faults + unfinished + ([] if done == kills else [f"only {done} kills"])
        right = {file.name: of_opev(account, file, account.now) for file in sorted(SQL.glob("[0-9]*.sql"))}
        for engine in engines:
            try:
                begun = time.monotonic()
                found = ask(engine, folder, account.now)
                say(f"lake: {engine} answered in {time.monotonic() - begun:.0f} s")
                total = found["total"]
                wrong = faults + differing(found["answers"], right)
                wrong += [f"{total[name]} {name}" for name in ("lost", "foreign") if total[name]]
                yield {
                    "engine": f"{engine}, a lake", "version": found["version"], "in": truth,
                    "out": total["uuids"], "repeats": total["events"] - total["uuids"], "opev killed": done,
                    "receiver killed": "reads files", "faults": wrong,
                }  # fmt: skip
            except NotHad as why:
                yield {"engine": f"{engine}, a lake", "not had": str(why)}
