#!/usr/bin/env python3
"""Foreign clients at the simulator, and foreign servers between opev and the simulator. Run by hand before a release.

    tests/foreign/run.py --opev target/release/opev

Not part of `cargo test`. What is not installed is left out and said. A client passes when it gets every event, once,
and the simulator's own checks of its clients (`--assert`) find no broken rule. A server passes when opev gets through
it the bytes that it gets without it. The result is a table for CONTRIBUTING.md; the exit code is 0 when all pass.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

AT = "2026-11-20T12:00:00Z"
SINCE = "2026-11-01T00:00:00Z"
STREAMS = ["signinattempts", "itemusages", "auditevents"]

# As in the documentation of the Events API: a question with a limit and a time, then the cursor until has_more is false.
CURL = """
set -eu
curl -sS --fail "$URL/api/v2/auth/introspect" -H "Authorization: Bearer $TOKEN" >/dev/null
for stream in signinattempts itemusages auditevents; do
  body='{"limit": 500, "start_time": "'$SINCE'"}'
  while :; do
    page=$(curl -sS --fail --request POST --url "$URL/api/v2/$stream" \\
      --header "Authorization: Bearer $TOKEN" --header "Content-Type: application/json" --data "$body")
    printf '%s' "$page" | jq -c '.items[]'
    [ "$(printf '%s' "$page" | jq .has_more)" = true ] || break
    body=$(printf '%s' "$page" | jq -c '{cursor}')
  done
done
"""

WGET = CURL.replace("""curl -sS --fail "$URL/api/v2/auth/introspect" -H "Authorization: Bearer $TOKEN" >/dev/null""",
                    """wget -q -O /dev/null --header "Authorization: Bearer $TOKEN" "$URL/api/v2/auth/introspect\"""").replace(
    """curl -sS --fail --request POST --url "$URL/api/v2/$stream" \\
      --header "Authorization: Bearer $TOKEN" --header "Content-Type: application/json" --data "$body\"""",
    """wget -q -O - --header "Authorization: Bearer $TOKEN" --header "Content-Type: application/json" \\
      --post-data "$body" "$URL/api/v2/$stream\"""")

PYTHON = """
import json, os, urllib.request
for stream in ["signinattempts", "itemusages", "auditevents"]:
    body = {"limit": 500, "start_time": os.environ["SINCE"]}
    while True:
        headers = {"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"}
        request = urllib.request.Request(os.environ["URL"] + "/api/v2/" + stream, json.dumps(body).encode(), headers)
        page = json.load(urllib.request.urlopen(request))
        for item in page["items"]:
            print(json.dumps(item))
        if not page["has_more"]:
            break
        body = {"cursor": page["cursor"]}
"""

NODE = """
(async () => {
  for (const stream of ["signinattempts", "itemusages", "auditevents"]) {
    let body = {limit: 500, start_time: process.env.SINCE};
    for (;;) {
      const headers = {"Authorization": "Bearer " + process.env.TOKEN, "Content-Type": "application/json"};
      const answer = await fetch(process.env.URL + "/api/v2/" + stream, {method: "POST", headers, body: JSON.stringify(body)});
      if (!answer.ok) throw new Error(answer.status);
      const page = await answer.json();
      for (const item of page.items) console.log(JSON.stringify(item));
      if (!page.has_more) break;
      body = {cursor: page.cursor};
    }
  }
})().catch((e) => { console.error(e); process.exit(1); });
"""

CLIENTS = [("curl", ["curl", "jq"], ["sh", "-c", CURL], ["curl", "--version"]),
           ("wget", ["wget", "jq"], ["sh", "-c", WGET], ["wget", "--version"]),
           ("Python urllib", ["python3"], ["python3", "-c", PYTHON], ["python3", "--version"]),
           ("Node fetch", ["node"], ["node", "-e", NODE], ["node", "--version"])]

NGINX = """
daemon off; pid {dir}/pid; error_log {dir}/error.log; worker_processes 1;
events {{ }}
http {{
  access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  gzip on; gzip_types application/json; gzip_proxied any; gzip_min_length 100;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{upstream}; }} }}
}}
"""

HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind 127.0.0.1:{port}
{limit}
  default_backend out
backend out
  server one 127.0.0.1:{upstream}
"""

LIMIT = """  stick-table type ip size 1k expire 5s store http_req_rate(5s)
  http-request track-sc0 src
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 10 }}""".replace("{{", "{").replace("}}", "}")

SERVERS = [("nginx, gzip", "nginx", NGINX, ["nginx", "-c", "{file}", "-p", "{dir}"], ["nginx", "-v"]),
           ("haproxy", "haproxy", HAPROXY.replace("{limit}", ""), ["haproxy", "-q", "-db", "-f", "{file}"], ["haproxy", "-v"]),
           ("haproxy, 429 beyond 10 in 5 s", "haproxy", HAPROXY.replace("{limit}", LIMIT.replace("{", "{{").replace("}", "}}")),
            ["haproxy", "-q", "-db", "-f", "{file}"], ["haproxy", "-v"])]


class Simulator:
    def __init__(self, opev, place):
        arguments = ["simulate", "--announce", "json", "--token-file", os.path.join(place, "token"), "--events", "6000", "--at", AT, "--assert"]
        self.process = subprocess.Popen([opev, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        told = json.loads(self.process.stdout.readline())
        self.port, self.url = told["port"], told["base_url"]
        self.token = open(os.path.join(place, "token")).read().strip()

    def stop(self):
        """Ends it; what its checks found, if anything."""
        self.process.send_signal(signal.SIGINT)
        told = self.process.communicate()[1]
        rules = next((line for line in told.splitlines() if line.startswith("rules")), "")
        return None if "none broken" in rules else rules.strip()


def version(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    words = (done.stdout.splitlines() or ["?"])[0].replace("/", " ").split()
    return next((word.lstrip("v") for word in words if word.lstrip("v")[:1].isdigit()), "?")


def events(text):
    return sorted(json.loads(line)["uuid"] + json.loads(line)["timestamp"] for line in text.splitlines() if line)


def opev_fetch(opev, url, token, place):
    environment = {"PATH": os.environ["PATH"], "HOME": place, "OPEV_BASE_URL": url, "EVENTS_API_TOKEN": token}
    return subprocess.run([opev, "fetch", "--since", SINCE, "--until", AT, "--page-size", "200"], env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def try_client(opev, command, expected, place):
    simulator = Simulator(opev, place)
    environment = {**os.environ, "URL": simulator.url, "TOKEN": simulator.token, "SINCE": SINCE}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    broken = simulator.stop()
    if done.returncode:
        return f"exit code {done.returncode}: {done.stderr.strip()[:200]}"
    if broken:
        return broken
    found = events(done.stdout)
    return None if found == expected else f"{len(found)} events instead of {len(expected)}"


def try_server(opev, config, command, expected, place):
    simulator = Simulator(opev, place)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place = tempfile.mkdtemp(dir=place)
    file = os.path.join(place, "config")
    with open(file, "w") as out:
        out.write(config.format(dir=place, port=port, upstream=simulator.port))
    server = subprocess.Popen([part.format(file=file, dir=place) for part in command], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if server.poll() is not None:
                return "the server did not start"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        done = opev_fetch(opev, f"http://127.0.0.1:{port}", simulator.token, place)
    finally:
        server.terminate()
        server.wait()
        broken = simulator.stop()
    if done.returncode:
        return f"exit code {done.returncode}: {done.stderr.strip()[:200]}"
    return broken or (None if done.stdout == expected else "other bytes than without it")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--opev", default="target/release/opev")
    opev = os.path.abspath(parser.parse_args().opev)
    place = tempfile.mkdtemp(prefix="opev-foreign-")
    simulator = Simulator(opev, place)
    direct = opev_fetch(opev, simulator.url, simulator.token, place)
    simulator.stop()
    assert direct.returncode == 0 and direct.stdout, direct.stderr
    expected = events(direct.stdout)
    rows = []
    for name, tools, command, asks in CLIENTS:
        missing = [tool for tool in tools if not shutil.which(tool)]
        outcome = f"left out: no {', '.join(missing)}" if missing else try_client(opev, command, expected, place)
        rows.append((name, "client of the simulator", "" if missing else version(asks), outcome))
    for name, tool, config, command, asks in SERVERS:
        missing = not shutil.which(tool)
        outcome = f"left out: no {tool}" if missing else try_server(opev, config, command, direct.stdout, place)
        rows.append((name, "between opev and the simulator", "" if missing else version(asks), outcome))
    shutil.rmtree(place, ignore_errors=True)
    print("| program | version | role | outcome |\n|---|---|---|---|")
    for name, role, number, outcome in rows:
        print(f"| {name} | {number} | {role} | {outcome or f'{len(expected):,} events, each once'} |")
    sys.exit(any(outcome and not outcome.startswith("left out") for *_, outcome in rows))


if __name__ == "__main__":
    main()
