#!/usr/bin/env python3
"""Makes docs/opev.svg: two commands and what they really print, for the README.

contrib/picture/make.py target/release/opev > docs/opev.svg

The events are those of a simulator that stands still at one time, so that the picture is the same each time. The
commands run on a terminal of their own; colours become classes, which follow the reader's dark or light scheme.
"""
import fcntl
import html
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import unicodedata

COLUMNS = 100
AT = "2026-11-28T12:00:00Z"
COMMANDS = [
    "opev detect --since 2026-11-28 --only export-then-suspended",
    "opev fetch --user 'corin mbeki' --since 2026-11-28 --last 6",
]
CLASSES = {"1": "b", "2": "d", "31": "r", "32": "g", "33": "y", "35": "m", "36": "c"}


def run(command, environment):
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    child = subprocess.Popen(["sh", "-c", command + " --trust-clock -q --no-pager"], stdin=theirs, stdout=theirs,
                             stderr=subprocess.DEVNULL, env=environment, close_fds=True)
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    child.wait()
    os.close(ours)
    return text.decode().replace("\r", "").splitlines()


def width(text):
    """How many columns a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def spans(line):
    """The parts of a line, each with its class."""
    kept, style = [], ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if code:
            names = [CLASSES[c] for c in code.group(1).split(";") if c in CLASSES]
            style = " ".join(names)
        elif part:
            kept.append((style, part))
    return kept


def wrapped(line):
    """The same as lines that are no longer than the terminal."""
    rows, room = [[]], COLUMNS
    for style, text in line:
        while width(text) > room:
            rows[-1].append((style, text[:room]))
            text, room = text[room:], COLUMNS
            rows.append([])
        rows[-1].append((style, text))
        room -= width(text)
    return rows


def main(program):
    with tempfile.TemporaryDirectory() as home:
        path = os.path.dirname(os.path.abspath(program)) + ":/usr/bin:/bin"
        base = {"PATH": path, "HOME": home, "TERM": "xterm", "LANG": "C.UTF-8"}
        server = subprocess.Popen([program, "simulate", "--events", "30000", "--at", AT, "--announce", "json"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=base)
        try:
            said = json.loads(server.stdout.readline())
            environment = {**base, "OPEV_BASE_URL": said["base_url"], "EVENTS_API_TOKEN": said["token"]}
            lines = []
            for command in COMMANDS:
                lines.append([("p", "$ "), ("b", command)])
                lines += [row for line in run(command, environment) for row in wrapped(spans(line))]
                lines.append([])
        finally:
            server.terminate()
            server.wait()
    draw(lines[:-1])


def draw(lines):
    """The picture: a line of text for each line, with its parts at their columns."""
    wide, high, left, top = 8.43, 19, 16, 30
    size = (round(COLUMNS * wide + 2 * left), len(lines) * high + 2 * left)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" role="img">')
    print("<title>opev on a terminal: what rules found, and what one person did</title>")
    print("""<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#1f2328;white-space:pre}
rect{fill:#f6f8fa;stroke:#d0d7de}.b{font-weight:700}.d,.p{fill:#656d76}.r{fill:#cf222e}.g{fill:#1a7f37}.y{fill:#9a6700}
.m{fill:#8250df}.c{fill:#0a6c74}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#0d1117;stroke:#30363d}.d,.p{fill:#8d96a0}.r{fill:#ff7b72}
.g{fill:#7ee787}.y{fill:#e3b341}.m{fill:#d2a8ff}.c{fill:#76e3ea}}
</style>""")
    print(f'<rect x="0.5" y="0.5" width="{size[0] - 1}" height="{size[1] - 1}" rx="8"/>')
    for number, line in enumerate(lines):
        column = 0
        for style, text in line:
            y, x = top + number * high, left + column * wide
            named = f' class="{style}"' if style else ""
            length = width(text)
            if text.strip():
                print(f'<text x="{x:.1f}" y="{y}" textLength="{length * wide:.1f}"{named}>{html.escape(text)}</text>')
            column += length
    print("</svg>")


if __name__ == "__main__":
    main(sys.argv[1])
