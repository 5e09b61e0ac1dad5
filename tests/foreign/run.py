#!/usr/bin/env python3
"""Foreign clients at the simulator, and foreign servers between opev and the simulator. Run by hand before a release.

    tests/foreign/run.py --opev target/release/opev --openapi 1password-events-api.json --python VENV/bin/python \\
        --path node_modules/.bin

Prism checks requests and answers against the document that 1Password publishes, which is given by --openapi. dlt and
grove are looked for in the Python of --python (pip install dlt, and a checkout of hashicorp-forge/grove); programs also
in the folders of --path. Proxies are asked for a CONNECT to an address of this machine that is not 127.0.0.1, where
nginx opens TLS with a certificate that openssl makes for the occasion.

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

DLT = """
import json, os
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

class Cursor(JSONResponseCursorPaginator):
    # A question is a time range or a cursor, never both.
    def update_request(self, request):
        request.json = {"cursor": self._next_reference}

for stream in ["signinattempts", "itemusages", "auditevents"]:
    client = RESTClient(base_url=os.environ["URL"], headers={"Authorization": "Bearer " + os.environ["TOKEN"]},
                        paginator=Cursor(cursor_path="cursor", cursor_body_path="cursor", has_more_path="has_more"))
    question = {"limit": 500, "start_time": os.environ["SINCE"]}
    for page in client.paginate("/api/v2/" + stream, method="POST", json=question, data_selector="items"):
        for item in page:
            print(json.dumps(item))
"""

GROVE = """
import json, os, urllib.parse, requests
post = requests.post
requests.post = lambda url, **rest: post(url.replace("https://", "http://", 1), **rest)
from grove.connectors.onepassword.api import Client
client = Client(token=os.environ["TOKEN"])
client.hostname = urllib.parse.urlsplit(os.environ["URL"]).netloc
for stream in ["signinattempts", "itemusages", "auditevents"]:
    cursor, has_more = None, True
    while has_more:
        log, has_more = client.get_events(stream, cursor=cursor, start_time=os.environ["SINCE"])
        for item in log.entries:
            print(json.dumps(item))
        cursor = log.cursor
"""

# The modules that clients in Python need; their versions.
MODULES = [("dlt", "dlt", DLT), ("grove", "grove", GROVE)]
VERSION = "import importlib.metadata, sys; print(sys.argv[1], importlib.metadata.version(sys.argv[1]))"

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

# Answers TLS on an address that is not this machine's loopback, to which opev uses no proxy.
NGINX_TLS = """
daemon off; pid {dir}/pid; error_log {dir}/error.log; worker_processes 1;
events {{ }}
http {{
  access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{
    listen {address}:{port} ssl; ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
    location / {{ proxy_pass http://127.0.0.1:{upstream}; }}
  }}
}}
"""

SQUID = """
http_port 127.0.0.1:{port}
http_access allow all
cache deny all
pid_filename none
access_log stdio:{dir}/access.log
cache_log {dir}/cache.log
cache_store_log none
coredump_dir {dir}
visible_hostname opev-test
shutdown_lifetime 1 seconds
"""

SQUID_FRONT = SQUID.replace("http_port 127.0.0.1:{port}", """http_port 127.0.0.1:{port} accel defaultsite=127.0.0.1 no-vhost
cache_peer 127.0.0.1 parent {upstream} 0 no-query originserver login=PASSTHRU""")

TINYPROXY = """
Port {port}
Listen 127.0.0.1
LogFile "{dir}/access.log"
LogLevel Connect
MaxClients 20
Timeout 60
"""

# Proxies for CONNECT: the file of certificates that opev has to trust is the server's, or the proxy's own.
PROXIES = [("squid, CONNECT", "squid", SQUID, ["squid", "-N", "-f", "{file}"], ["squid", "-v"], "ca.pem"),
           ("tinyproxy, CONNECT", "tinyproxy", TINYPROXY, ["tinyproxy", "-d", "-c", "{file}"], ["tinyproxy", "-v"], "ca.pem"),
           ("mitmproxy, which opens TLS", "mitmdump", "", ["mitmdump", "--set", "confdir={dir}", "--set", "ssl_insecure=true",
                                                         "--listen-host", "127.0.0.1", "-p", "{port}"],
            ["mitmdump", "--version"], "mitmproxy-ca-cert.pem")]

PRISM = ["prism", "proxy", "{openapi}", "http://127.0.0.1:{upstream}", "--errors", "-h", "127.0.0.1", "-p", "{port}"]

SERVERS = [("nginx, gzip", "nginx", NGINX, ["nginx", "-c", "{file}", "-p", "{dir}"], ["nginx", "-v"]),
           ("haproxy", "haproxy", HAPROXY.replace("{limit}", ""), ["haproxy", "-q", "-db", "-f", "{file}"], ["haproxy", "-v"]),
           ("haproxy, 429 beyond 10 in 5 s", "haproxy", HAPROXY.replace("{limit}", LIMIT.replace("{", "{{").replace("}", "}}")),
            ["haproxy", "-q", "-db", "-f", "{file}"], ["haproxy", "-v"]),
           ("squid in front", "squid", SQUID_FRONT, ["squid", "-N", "-f", "{file}"], ["squid", "-v"]),
           ("mitmproxy in front", "mitmdump", "", ["mitmdump", "--set", "confdir={dir}", "--mode", "reverse:http://127.0.0.1:{upstream}",
                                                 "--listen-host", "127.0.0.1", "-p", "{port}"], ["mitmdump", "--version"])]


class Simulator:
    def __init__(self, opev, place):
        arguments = ["simulate", "--announce", "json", "--token-file", os.path.join(place, "token"), "--events", "6000", "--at", AT, "--assert"]
        self.process = subprocess.Popen([opev, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        told = json.loads(self.process.stdout.readline())
        self.port, self.url = told["port"], told["base_url"]
        self.token = open(os.path.join(place, "token")).read().strip()

    def stop(self):
        """Ends it; what its checks found, if anything."""
        self.process.send_signal(signal.SIGTERM)
        told = self.process.communicate()[1]
        rules = next((line for line in told.splitlines() if line.startswith("rules")), "")
        return None if "none broken" in rules else rules.strip()


def version(command):
    """The first word that begins with a digit."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    words = " ".join(done.stdout.splitlines()[:2]).replace("/", " ").split()
    return next((word.lstrip("v") for word in words if word.lstrip("v")[:1].isdigit()), "?")


def events(text):
    return sorted(json.loads(line)["uuid"] + json.loads(line)["timestamp"] for line in text.splitlines() if line)


def opev_fetch(opev, url, token, place, more=(), variables=()):
    environment = {"PATH": os.environ["PATH"], "HOME": place, "OPEV_BASE_URL": url, "EVENTS_API_TOKEN": token, **dict(variables)}
    return subprocess.run([opev, "fetch", "--since", SINCE, "--until", AT, "--page-size", "200", *more], env=environment,
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


def free_port(address="127.0.0.1"):
    with socket.create_server((address, 0)) as free:
        return free.getsockname()[1]


def own_address():
    """An address of this machine that is not its loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


class Server:
    """A foreign server, in a folder of its own, that answers when this is made."""

    def __init__(self, config, command, place, address="127.0.0.1", **values):
        self.place = tempfile.mkdtemp(dir=place)
        # Some give up their rights before they read.
        os.chmod(self.place, 0o777)
        self.port = free_port(address)
        values = {**values, "dir": self.place, "port": self.port, "file": os.path.join(self.place, "config"), "address": address}
        with open(values["file"], "w") as out:
            out.write(config.format(**values))
        if "{dir}/cert.pem" in config:
            make_certificate(self.place, address)
        command = [part.format(**values) for part in command]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(1200):
            if self.process.poll() is not None:
                raise RuntimeError("the server did not start")
            try:
                socket.create_connection((address, self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError("the server does not answer")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def make_certificate(place, address):
    """A server's key and certificate, of an authority that is made for it."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=place, stderr=subprocess.DEVNULL)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new, "-days", "2", "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=opev test authority")
    openssl("req", *new, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=opev test")
    with open(os.path.join(place, "names"), "w") as out:
        out.write(f"subjectAltName=IP:{address}\n")
    openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "cert.pem")


def outcome_of(done, broken, expected):
    if done.returncode:
        return f"exit code {done.returncode}: {done.stderr.strip()[:200]}"
    return broken or (None if done.stdout == expected else "other bytes than without it")


def try_server(opev, config, command, expected, place):
    simulator = Simulator(opev, place)
    try:
        server = Server(config, command, place, upstream=simulator.port)
    except RuntimeError as failure:
        simulator.stop()
        return str(failure)
    done = opev_fetch(opev, f"http://127.0.0.1:{server.port}", simulator.token, place)
    server.stop()
    return outcome_of(done, simulator.stop(), expected)


def try_proxy(opev, config, command, trusted, expected, place):
    """A proxy is asked to CONNECT to TLS in front of the simulator."""
    address = own_address()
    if address.startswith("127."):
        return "left out: this machine has no other address than its loopback"
    simulator = Simulator(opev, place)
    servers = []
    try:
        servers.append(Server(NGINX_TLS, ["nginx", "-c", "{file}", "-p", "{dir}"], place, address, upstream=simulator.port))
        servers.append(Server(config, command, place))
        url = f"https://{address}:{servers[0].port}"
        trusted = os.path.join(servers[1].place if trusted.startswith("mitm") else servers[0].place, trusted)
        done = opev_fetch(opev, url, simulator.token, place, ["--allow-host", address, "--ca-file", trusted],
                          {"HTTPS_PROXY": f"http://127.0.0.1:{servers[1].port}"})
        log = os.path.join(servers[1].place, "access.log")
        if os.path.exists(log) and "CONNECT" not in open(log).read():
            return "the proxy was not asked"
    except RuntimeError as failure:
        return str(failure)
    finally:
        for server in servers:
            server.stop()
        broken = simulator.stop()
    return outcome_of(done, broken, expected)


def loosened(value):
    if isinstance(value, list):
        return [loosened(each) for each in value]
    if isinstance(value, dict):
        return {{"oneOf": "anyOf"}.get(key, key): loosened(each) for key, each in value.items() if key != "enum"}
    return value


def try_prism(opev, openapi, place):
    """Prism passes on what fits the document, and answers with an error where a request or an answer does not. It writes
    the JSON anew: values are compared, not bytes. The document has v1.

    As published, no question fits: its schemas of a time range and of a cursor require nothing, so that each body is
    both, and `oneOf` wants one; here either will do. Its lists of codes miss some that the documentation's pages have:
    they are left out."""
    with open(openapi) as published:
        document = loosened(json.load(published))
    openapi = os.path.join(place, "document.json")
    with open(openapi, "w") as out:
        json.dump(document, out)
    simulator = Simulator(opev, place)
    direct = opev_fetch(opev, simulator.url, simulator.token, place, ["--api", "v1"])
    try:
        server = Server("", PRISM, place, openapi=openapi, upstream=simulator.port)
    except RuntimeError as failure:
        simulator.stop()
        return str(failure)
    done = opev_fetch(opev, f"http://127.0.0.1:{server.port}", simulator.token, place, ["--api", "v1"])
    server.stop()
    values = lambda run: "".join(json.dumps(json.loads(line), sort_keys=True) for line in run.stdout.splitlines())
    done.stdout = values(done)
    return outcome_of(done, simulator.stop(), values(direct))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--opev", default="target/release/opev")
    parser.add_argument("--openapi", metavar="FILE", help="the document of the Events API as 1Password publishes it, in JSON, for Prism")
    parser.add_argument("--python", default="python3", metavar="PROGRAM", help="the Python that has dlt and grove")
    parser.add_argument("--path", default=[], action="append", metavar="DIR", help="where programs are looked for, too")
    given = parser.parse_args()
    opev = os.path.abspath(given.opev)
    os.environ["PATH"] = os.pathsep.join([*map(os.path.abspath, given.path), os.environ["PATH"]])
    place = tempfile.mkdtemp(prefix="opev-foreign-")
    # squid reads its configuration as another user.
    os.chmod(place, 0o755)
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
    for name, module, code in MODULES:
        asks = [given.python, "-c", VERSION, module]
        missing = subprocess.run([given.python, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode != 0
        outcome = f"left out: no module {module}" if missing else try_client(opev, [given.python, "-c", code], expected, place)
        rows.append((name, "client of the simulator", "" if missing else version(asks), outcome))
    role = "between opev and the simulator"
    for name, tool, config, command, asks in SERVERS:
        missing = not shutil.which(tool)
        outcome = f"left out: no {tool}" if missing else try_server(opev, config, command, direct.stdout, place)
        rows.append((name, role, "" if missing else version(asks), outcome))
    for name, tool, config, command, asks, trusted in PROXIES:
        missing = [tool for tool in [tool, "nginx", "openssl"] if not shutil.which(tool)]
        outcome = f"left out: no {', '.join(missing)}" if missing else try_proxy(opev, config, command, trusted, direct.stdout, place)
        rows.append((name, role, "" if missing else version(asks), outcome))
    missing = "prism" if not shutil.which("prism") else "--openapi" if not given.openapi else None
    outcome = f"left out: no {missing}" if missing else try_prism(opev, os.path.abspath(given.openapi), place)
    rows.append(("Prism proxy, published document, v1", role, "" if missing else version(["prism", "--version"]), outcome))
    shutil.rmtree(place, ignore_errors=True)
    print("| program | version | role | outcome |\n|---|---|---|---|")
    for name, role, number, outcome in rows:
        print(f"| {name} | {number} | {role} | {outcome or f'{len(expected):,} events, each once'} |")
    sys.exit(any(outcome and not outcome.startswith("left out") for *_, outcome in rows))


if __name__ == "__main__":
    main()
