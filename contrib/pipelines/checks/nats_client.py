"""Makes the stream that takes opev.>, or prints what it holds, an event a line."""

import asyncio
import sys

import nats
from nats.js.api import StreamConfig


async def main(url, what):
    server = await nats.connect(url)
    stream = server.jetstream()
    if what == "make":
        await stream.add_stream(StreamConfig(name="opev", subjects=["opev.>"], duplicate_window=3600))
    else:
        held = (await stream.stream_info("opev")).state.messages
        reader = await stream.subscribe("opev.>", ordered_consumer=True)
        for _ in range(held):
            print((await reader.next_msg(timeout=20)).data.decode())
    await server.close()


asyncio.run(main(*sys.argv[1:]))
