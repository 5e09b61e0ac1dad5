#!/usr/bin/env python3
"""A batch of events into NATS JetStream (needs nats-py):

    NATS=nats://127.0.0.1:4222 opev tail --resume --exec ./jetstream.py

A stream of the server takes the subjects opev.>. Each event has its uuid as Nats-Msg-Id, so that the server drops what
it took within its duplicate window (--dupe-window). The batch is taken once every event is acknowledged.
"""

import asyncio
import json
import os
import sys

import nats


async def main():
    server = await nats.connect(os.environ["NATS"], connect_timeout=5, allow_reconnect=False)
    stream, subject = server.jetstream(), f"opev.{os.environ['OPEV_BATCH_STREAM']}"
    lines = sys.stdin.buffer.read().splitlines()
    sent = [stream.publish(subject, line, 20, headers={"Nats-Msg-Id": json.loads(line)["uuid"]}) for line in lines]
    await asyncio.gather(*sent)
    await server.close()


try:
    asyncio.run(main())
except Exception as error:
    sys.exit(f"NATS: {error or type(error).__name__}")
