#!/usr/bin/env python3
"""A long run under trouble: live events from the simulator, and collectors that are killed, stopped, rotated, filled up.

Not part of `cargo test`. Needs Python 3.9 or later and nothing else; the clock jumps need libfaketime, and the full
disk needs the right to mount a tmpfs (else a limit on file sizes stands in for it).

    tests/soak/soak.py --opev target/release/opev --minutes 60 --seed 1

Five collectors read the same account at once, each into a file or pipe of its own:

    steady   tail --resume into a file; never killed: rotated with and without a signal, stopped, continued
    killed   tail --resume into a file; SIGKILL, SIGTERM, SIGINT, SIGSTOP, rotation, full disk
    clock    tail --resume into a file, under a clock that jumps by seconds to days (libfaketime)
    pipe     tail --resume into a pipe with a slow reader; killed: at least once is what is promised there
    cron     fetch --resume into a file, every few seconds; killed now and then

Between them and the service is a relay that refuses, goes silent, or cuts connections. The service itself sends
429 storms, errors, cut and broken answers, and is started anew with another token every minute or two.

At the end the service stands still, every collector catches up, and the events in all files, rotated ones included,
are compared with what the service has: in the files each exactly once, in the pipe at least once. Memory and open
files of the collectors are sampled and must not grow. The exit code is 0 when all of that holds.
"""

import argparse
import collections
import gzip
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

STREAMS = {"signinattempts", "itemusages", "auditevents"}
FAKETIME = ["/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
            "/usr/lib64/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1"]


class Relay(threading.Thread):
    """Passes connections on to the service, and makes the trouble of a network."""

    def __init__(self, chance):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.chance = chance
        self.mode = "passes"
        self.target = None
        self.open = set()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            if self.mode == "refuses" or self.target is None:
                client.close()
                continue
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            server.settimeout(None)
        except OSError:
            client.close()
            return
        pair = (client, server)
        self.open.add(pair)
        back = threading.Thread(target=self.copy, args=(server, client), daemon=True)
        back.start()
        self.copy(client, server)
        back.join()
        self.open.discard(pair)
        for end in pair:
            end.close()

    def copy(self, source, sink):
        try:
            while data := source.recv(65536):
                while self.mode == "silent":
                    time.sleep(0.2)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        for pair in list(self.open):
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Service:
    """The simulator, started anew again and again; the events stay the same."""

    def __init__(self, soak):
        self.soak = soak
        self.port = 0
        self.live_from = None
        self.process = None
        self.starts = 0

    def start(self, lasts, faults=True, at=None):
        arguments = ["simulate", "--port", str(self.port), "--announce", "json", "--seed", str(self.soak.args.seed),
                     "--events", "300", "--days", "1", "--live", str(self.soak.args.rate), "--rate-limit", "100000",
                     "--token-file", self.soak.token]
        if self.live_from:
            arguments += ["--live-from", self.live_from]
        if at:
            arguments += ["--at", at]
        else:
            arguments += ["--expires-in", str(int(lasts + 240))]
        for fault in self.soak.faults() if faults else []:
            arguments += ["--fault", fault]
        self.process = subprocess.Popen([self.soak.opev, *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        told = json.loads(self.process.stdout.readline())
        self.port, self.live_from = told["port"], told["live_from"]
        self.soak.relay.target = self.port
        self.starts += 1

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Collector(threading.Thread):
    """One collector: its process, its troubles, its files."""


    def __init__(self, soak, name):
        super().__init__(daemon=True)
        self.soak, self.name = soak, name
        self.chance = random.Random(f"{soak.args.seed} {name}")
        self.place = os.path.join(soak.dir, name)
        self.old = os.path.join(soak.dir, name + "-rotated")
        os.mkdir(self.place)
        os.mkdir(self.old)
        self.file = os.path.join(self.place, "events.ndjson")
        self.process = None
        self.counts = collections.Counter()
        self.codes = collections.Counter()
        self.samples = []
        self.rotations = 0
        self.messages = open(os.path.join(soak.dir, name + ".stderr"), "ab")
        self.expected = {0, 6}

    def arguments(self):
        return ["tail", "--resume", "-o", self.file, "--since", "1d", "--interval", "2s"]

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": self.place, "XDG_STATE_HOME": os.path.join(self.soak.dir, "state-" + self.name),
                "XDG_CONFIG_HOME": self.place, "OPEV_BASE_URL": f"http://127.0.0.1:{self.soak.relay.port}"}

    def launch(self, limit=None, more=()):
        def prepare():
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        self.process = subprocess.Popen(
            [self.soak.opev, *self.arguments(), "--token-file", self.soak.token, "--retry-for", "5m", "--timeout", "20s", *more],
            env=self.environment(), cwd=self.place, stdin=subprocess.DEVNULL, stdout=self.stdout(), stderr=self.messages,
            preexec_fn=prepare)
        self.counts["starts"] += 1

    def stdout(self):
        return subprocess.DEVNULL

    def ended(self, asked=()):
        """Waits for the end, and keeps how it ended."""
        code = self.process.wait()
        self.codes[code] += 1
        if code not in self.expected and code not in asked:
            self.soak.fail(f"{self.name} ended with {code}")
        self.process = None
        return code

    def run(self):
        try:
            while not self.soak.over.is_set():
                self.launch()
                while self.process and not self.soak.over.is_set():
                    self.soak.over.wait(self.chance.uniform(2, 12))
                    if self.process.poll() is not None:
                        self.ended()
                    elif not self.soak.over.is_set():
                        self.trouble()
            self.stop()
        except Exception as error:
            self.soak.fail(f"{self.name}: {error!r}")
            raise

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.ended({-signal.SIGTERM})

    def trouble(self):
        kind = self.chance.choice(self.troubles)
        self.counts[kind] += 1
        getattr(self, kind)()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        self.soak.over.wait(self.chance.uniform(1, 8))
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.ended({-signal.SIGKILL})

    def terminate(self):
        self.process.terminate()
        self.ended({-signal.SIGTERM})

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        self.ended({-signal.SIGINT})

    def rotate(self, hangup=False):
        """Moves the file away; the next trouble waits until the collector has begun a new one."""
        if not os.path.exists(self.file):
            return
        self.rotations += 1
        name = os.path.join(self.old, f"{self.rotations:06}.ndjson")
        # The other directory may be on another disk: a rename is what a rotation is, and the copy comes after it.
        beside = os.path.join(self.place, f"rotated-{self.rotations:06}")
        os.rename(self.file, beside)
        if hangup:
            self.process.send_signal(signal.SIGHUP)
        while not (os.path.exists(self.file) or self.process.poll() is not None or self.soak.over.is_set()):
            time.sleep(0.05)
        if not os.path.exists(self.file):
            # It ended by itself, or time is up, in the moment between: what it wrote last and did not commit is
            # settled by its next start, in the file's own place.
            if self.process.poll() is not None:
                os.rename(beside, self.file)
            return
        shutil.move(beside, name)
        if self.rotations % 5 == 0:
            with open(name, "rb") as plain, gzip.open(name + ".gz", "wb", compresslevel=1) as packed:
                shutil.copyfileobj(plain, packed)
            os.remove(name)

    def rotate_with_signal(self):
        self.rotate(hangup=True)

    def files(self):
        names = [os.path.join(self.old, name) for name in sorted(os.listdir(self.old))]
        names += [os.path.join(self.place, name) for name in sorted(os.listdir(self.place)) if "ndjson" in name or name.startswith("rotated-")]
        return names

    def lines(self):
        for name in self.files():
            with (gzip.open if name.endswith(".gz") else open)(name, "rb") as file:
                yield from file

    def catch_up(self):
        for _ in range(5):
            self.launch(more=["--no-follow"])
            if self.ended() == 0:
                return
        self.soak.fail(f"{self.name} cannot catch up")

    def sample(self):
        process = self.process
        if not process:
            return
        try:
            status = open(f"/proc/{process.pid}/status").read()
            memory = int(status.split("VmRSS:")[1].split()[0])
            self.samples.append((time.monotonic() - self.soak.began, process.pid, memory, len(os.listdir(f"/proc/{process.pid}/fd"))))
        except (OSError, IndexError):
            pass


class Steady(Collector):
    troubles = ["pause", "rotate", "rotate_with_signal", "rotate"]


class Killed(Collector):
    troubles = ["kill", "kill", "kill", "terminate", "interrupt", "pause", "rotate", "rotate_with_signal", "fill"]

    def __init__(self, soak, name):
        super().__init__(soak, name)
        self.size = 24
        self.ballast = os.path.join(self.place, "ballast")
        self.is_mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size}m", "tmpfs", self.place],
                                         stderr=subprocess.DEVNULL).returncode == 0

    def launch(self, limit=None, more=()):
        free = os.statvfs(self.place)
        if self.is_mounted and limit is None and not os.path.exists(self.ballast) and free.f_bavail * free.f_bsize < 8_000_000:
            # Somebody makes room: what is written is not moved while its writer is down, which would take the
            # uncommitted end along.
            self.size += 24
            subprocess.run(["mount", "-o", f"remount,size={self.size}m", self.place], check=True)
            self.counts["room made"] += 1
        super().launch(limit, more)

    def fill(self):
        """Ends the process for lack of room, and makes room by moving the file away, which is all delivered."""
        self.terminate()
        if self.is_mounted:
            free = os.statvfs(self.place)
            with open(self.ballast, "wb") as file:
                file.write(b"x" * max(0, free.f_bavail * free.f_bsize - self.chance.randrange(20_000, 400_000)))
            self.launch()
        else:
            size = os.path.getsize(self.file) if os.path.exists(self.file) else 0
            self.launch(limit=size + self.chance.randrange(20_000, 400_000))
        for _ in range(600):
            if self.process.poll() is not None or self.soak.over.is_set():
                break
            time.sleep(0.1)
        if self.process.poll() is None:
            self.process.terminate()
        self.ended({7, -signal.SIGTERM})
        if self.is_mounted:
            os.remove(self.ballast)

    def trouble(self):
        super().trouble()
        # Room for the next minutes: the disk is small.
        if self.is_mounted and self.process and self.process.poll() is None and os.path.exists(self.file) and os.path.getsize(self.file) > 6_000_000:
            self.rotate()

    def ended(self, asked=()):
        # The small disk may fill up by itself.
        return super().ended(set(asked) | ({7} if self.is_mounted else set()))


class Clock(Collector):
    troubles = ["jump", "jump", "jump", "kill", "rotate"]

    def __init__(self, soak, name):
        super().__init__(soak, name)
        self.offset = os.path.join(soak.dir, "offset")
        self.set(0)
        # A clock that is days wrong is refused (3), and by it a token may have expired (4).
        self.expected |= {3, 4}

    def set(self, seconds):
        with open(self.offset + ".new", "w") as file:
            file.write(f"{seconds:+d}\n")
        os.rename(self.offset + ".new", self.offset)

    def environment(self):
        return {**super().environment(), "LD_PRELOAD": self.soak.faketime, "FAKETIME_TIMESTAMP_FILE": self.offset,
                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}

    def jump(self):
        size = self.chance.choice([5, 120, 3_600, 7_200, 86_400 * 3])
        self.set(self.chance.choice([-1, 1]) * self.chance.randrange(size))
        self.soak.over.wait(self.chance.uniform(3, 10))
        if self.process.poll() is not None:
            self.ended()
            self.set(0)
            self.launch()
        elif self.chance.random() < 0.7:
            self.set(0)

    def catch_up(self):
        self.set(0)
        super().catch_up()


class Pipe(Collector):
    troubles = ["kill", "kill", "terminate", "slow", "slow", "leave"]

    def __init__(self, soak, name):
        super().__init__(soak, name)
        self.reading = None
        self.pace = 0
        # A reader that leaves is 7.
        self.expected |= {7}
        # What was in the pipe when a reader left: taken from opev and read by nobody, which is not promised.
        self.unread = set()

    def arguments(self):
        return ["tail", "--resume", "--consumer", "soak", "--since", "1d", "--interval", "2s"]

    def stdout(self):
        self.finish_reading()
        reader, self.writer = os.pipe()
        self.reading = threading.Thread(target=self.read, args=(reader,), daemon=True)
        self.reading.start()
        return self.writer

    def launch(self, limit=None, more=()):
        super().launch(limit, more)
        # The process has it now; the reader sees the end when the process ends.
        os.close(self.writer)

    def read(self, reader):
        self.leaves = False
        with open(reader, "rb", buffering=0) as pipe, open(self.file, "ab") as kept:
            rest = b""
            while data := pipe.read(65536):
                lines, _, rest = (rest + data).rpartition(b"\n")
                # What is cut off by a kill is not a line.
                kept.write(lines + b"\n" if lines else b"")
                kept.flush()
                if self.leaves:
                    self.abandon(pipe, rest)
                    return
                if self.pace:
                    time.sleep(self.pace)

    def abandon(self, pipe, rest):
        """Notes what is left in the pipe. The process stands still until the pipe is closed, so that no more comes."""
        process = self.process
        try:
            if process:
                process.send_signal(signal.SIGSTOP)
                # Until it stands still.
                time.sleep(0.1)
            os.set_blocking(pipe.fileno(), False)
            # Nothing is None, the end is empty.
            while data := pipe.read(65536):
                rest += data
            for line in rest.split(b"\n")[:-1]:
                item = json.loads(line)
                self.unread.add((item["uuid"], item["timestamp"]))
        finally:
            pipe.close()
            if process:
                process.send_signal(signal.SIGCONT)

    def finish_reading(self):
        if self.reading:
            self.pace = 0
            self.reading.join()

    def slow(self):
        self.pace = self.chance.choice([0.05, 0.2, 0.5])
        self.soak.over.wait(self.chance.uniform(5, 15))
        self.pace = 0

    def leave(self):
        self.leaves = True

    def catch_up(self):
        super().catch_up()
        self.finish_reading()


class Cron(Collector):
    troubles = ["kill", "terminate", "wait", "wait", "wait", "rotate_between"]

    def arguments(self):
        return ["fetch", "--resume", "-o", self.file, "--since", "1d"]

    def wait(self):
        self.ended()

    def rotate_between(self):
        self.ended()
        if self.codes and os.path.exists(self.file):
            # Only after a run that ended by itself: a kill's uncommitted tail would leave with the file.
            self.launch()
            if self.ended() == 0:
                self.rotations += 1
                os.rename(self.file, os.path.join(self.old, f"{self.rotations:06}.ndjson"))

    def run(self):
        try:
            while not self.soak.over.is_set():
                self.launch()
                self.soak.over.wait(self.chance.choice([0.01, 0.05, 0.2, 0.5, 1, 3]))
                if self.process.poll() is None:
                    self.trouble()
                if self.process:
                    self.ended()
                self.soak.over.wait(self.chance.uniform(0, 5))
        except Exception as error:
            self.soak.fail(f"{self.name}: {error!r}")
            raise

    def catch_up(self):
        for _ in range(5):
            self.launch()
            if self.ended() == 0:
                return
        self.soak.fail(f"{self.name} cannot catch up")


class Soak:
    def __init__(self, args):
        self.args = args
        self.opev = os.path.abspath(args.opev)
        self.dir = args.dir or tempfile.mkdtemp(prefix="opev-soak-")
        os.makedirs(self.dir, exist_ok=True)
        self.token = os.path.join(self.dir, "token")
        self.chance = random.Random(f"{args.seed} service")
        self.over = threading.Event()
        self.failures = []
        self.relay = Relay(self.chance)
        self.service = Service(self)
        self.faketime = next((path for path in FAKETIME if os.path.exists(path)), None)
        kinds = [("steady", Steady), ("killed", Killed), ("pipe", Pipe), ("cron", Cron)]
        if self.faketime:
            kinds.append(("clock", Clock))
        else:
            print("no libfaketime: the clock does not jump", flush=True)
        self.collectors = [kind(self, name) for name, kind in kinds]
        self.began = time.monotonic()

    def fail(self, text):
        line = f"{time.monotonic() - self.began:8.1f} s  {text}"
        print("FAILURE", line, flush=True)
        self.failures.append(line)

    def faults(self):
        """What goes wrong with the answers until the next start."""
        at = self.chance.randrange(20, 200)
        length = self.chance.randrange(10, 80)
        kinds = ["status=500", "status=503,retry-after=1", "cut=in-body", "cut=before", "cut=in-head", "cut=unframed", "cut-json",
                 "bad-json", "html", "delay=3s", "empty", "null-items", "short", "grow", "repeat=20", "drip=5ms,bytes=4096"]
        rules = [f"status=429,retry-after={self.chance.randrange(1, 4)}@{at}-{at + length}"]
        rules += [f"{kind}@every:{self.chance.randrange(23, 97)}" for kind in self.chance.sample(kinds, 5)]
        return rules

    def network(self):
        """Changes the network for a while, again and again."""
        while not self.over.wait(self.chance.uniform(5, 25)):
            mode = self.chance.choice(["refuses", "silent", "cut"])
            if mode == "cut":
                self.relay.cut()
                continue
            self.relay.mode = mode
            if mode == "refuses":
                self.relay.cut()
            self.over.wait(self.chance.uniform(1, 12))
            self.relay.mode = "passes"

    def sampling(self):
        while not self.over.wait(5):
            for collector in self.collectors:
                collector.sample()

    def run(self):
        end = self.began + self.args.minutes * 60
        print(f"seed {self.args.seed}, {self.args.minutes} min, {self.args.rate} events a second, in {self.dir}", flush=True)
        lasts = self.chance.uniform(40, 120)
        self.service.start(lasts)
        for thread in [self.relay, threading.Thread(target=self.network, daemon=True), threading.Thread(target=self.sampling, daemon=True)]:
            thread.start()
        for collector in self.collectors:
            collector.start()
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(lasts, left))
            if time.monotonic() < end:
                lasts = self.chance.uniform(40, 120)
                self.service.stop()
                time.sleep(self.chance.uniform(0, 3))
                self.service.start(lasts)
                print(f"{(time.monotonic() - self.began) / 60:6.1f} min, {len(self.failures)} failures", flush=True)
        self.over.set()
        for collector in self.collectors:
            collector.join()
        self.relay.mode = "passes"
        self.service.stop()
        # Later than every event that was delivered.
        stands = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
        time.sleep(1.1)
        self.service.start(0, faults=False, at=stands)
        minutes = (time.monotonic() - self.began) / 60
        for collector in self.collectors:
            collector.catch_up()
        truth = self.truth()
        self.service.stop()
        return self.judge(truth, minutes)

    def truth(self):
        """Everything the service has, asked for by nothing of opev's."""
        token = open(self.token).read().strip()
        found = collections.Counter()
        for stream in sorted(STREAMS):
            body = {"limit": 1000, "start_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86_400 * 30))}
            while True:
                request = urllib.request.Request(f"http://127.0.0.1:{self.service.port}/api/v2/{stream}", json.dumps(body).encode(),
                                                 {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "User-Agent": "soak"})
                with urllib.request.urlopen(request, timeout=60) as answer:
                    page = json.load(answer)
                for item in page["items"]:
                    found[(item["uuid"], item["timestamp"])] += 1
                if not page["has_more"]:
                    break
                body = {"cursor": page["cursor"]}
        return found

    def judge(self, truth, minutes):
        rows = []
        for collector in self.collectors:
            found = collections.Counter()
            broken = 0
            for line in collector.lines():
                try:
                    item = json.loads(line)
                    found[(item["uuid"], item["timestamp"])] += 1
                except (ValueError, KeyError):
                    broken += 1
            # The collectors begin a day ago; what is older is not theirs.
            first = min((key[1] for key in found), default="")
            unread = getattr(collector, "unread", ())
            missing = [key for key in truth if key not in found and key not in unread and key[1] > first]
            foreign = [key for key in found if key not in truth]
            repeated = sum(count - 1 for count in found.values() if count > 1)
            if missing:
                self.fail(f"{collector.name}: {len(missing)} events are missing, such as {missing[:3]}")
            if foreign:
                self.fail(f"{collector.name}: {len(foreign)} events nobody sent, such as {foreign[:3]}")
            if broken:
                self.fail(f"{collector.name}: {broken} broken lines")
            if repeated and collector.name != "pipe":
                again = [key for key, count in found.items() if count > 1]
                self.fail(f"{collector.name}: {repeated} events came again, such as {again[:3]}")
            rows.append((collector, len(found), len(missing), repeated))
        self.table(rows, minutes)
        return 1 if self.failures else 0

    def table(self, rows, minutes):
        print(f"\n{minutes:.0f} minutes, seed {self.args.seed}, {self.args.rate} events a second, the service started {self.service.starts} times\n")
        print("| collector | events | missing | repeated | files | troubles | ends (code: times) | memory, MiB, first and last quarter | open files, most |")
        print("|---|---:|---:|---:|---:|---|---|---|---:|")
        for collector, events, missing, repeated in rows:
            troubles = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in sorted(collector.counts.items()) if name != "starts")
            codes = ", ".join(f"{code}: {count}" for code, count in sorted(collector.codes.items()))
            memory, descriptors = self.flat(collector)
            print(f"| {collector.name} | {events:,} | {missing} | {repeated} | {len(collector.files())} | {troubles} | {codes} | {memory} | {descriptors} |")
        with open(os.path.join(self.dir, "samples.csv"), "w") as file:
            file.write("collector,seconds,pid,rss_kib,open_files\n")
            for collector in self.collectors:
                file.writelines(f"{collector.name},{at:.0f},{pid},{memory},{files}\n" for at, pid, memory, files in collector.samples)
        for failure in self.failures:
            print("FAILURE", failure)

    def flat(self, collector):
        """The median memory of the first and of the last quarter of the samples; of steady, it must not grow."""
        samples = collector.samples
        if len(samples) < 8:
            return "too few samples", max((files for *_, files in samples), default=0)
        # The first samples are of a start: nothing is read yet.
        quarter = max(2, len(samples) // 4)
        middle = lambda part: sorted(memory for _, _, memory, _ in part)[len(part) // 2] / 1024
        first, last = middle(samples[2:quarter + 2]), middle(samples[-quarter:])
        files = [files for *_, files in samples]
        if collector.name == "steady":
            if last > first * 1.25 + 8:
                self.fail(f"steady: memory grew from {first:.1f} to {last:.1f} MiB")
            if max(files[-quarter:]) > max(files[:quarter + 2]) + 8:
                self.fail(f"steady: open files grew from {max(files[:quarter + 2])} to {max(files[-quarter:])}")
        return f"{first:.1f}, {last:.1f}", max(files)

    def clean(self):
        for collector in self.collectors:
            if getattr(collector, "is_mounted", False):
                subprocess.run(["umount", collector.place], check=False)
        if not self.args.keep and not self.failures and not self.args.dir:
            shutil.rmtree(self.dir, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--opev", default="target/release/opev", help="the program under test")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=200, help="events a second, of all streams together")
    parser.add_argument("--seed", type=int, default=1, help="which troubles, in which order")
    parser.add_argument("--dir", help="work here, and leave everything (else a temporary directory, kept after a failure)")
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    soak = Soak(parser.parse_args())
    try:
        code = soak.run()
    finally:
        soak.clean()
    sys.exit(code)


if __name__ == "__main__":
    main()
