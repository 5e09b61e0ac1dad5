"""kafka.py cluster N           a mock cluster of librdkafka, with N brokers on this machine; prints their addresses
kafka.py consume BROKERS FILE   a consumer that writes each event into a file, and commits behind the writing
"""

import sys
import time
from pathlib import Path

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

TOPICS = ["opev.signinattempts", "opev.itemusages", "opev.auditevents"]


def cluster(count):
    client = AdminClient({"test.mock.num.brokers": int(count)})
    for topic in TOPICS:
        # Asking for it makes it.
        client.list_topics(topic, timeout=20)
    brokers = client.list_topics(timeout=20).brokers.values()
    print(",".join(f"{broker.host}:{broker.port}" for broker in brokers), flush=True)
    while True:
        time.sleep(3600)


def consume(brokers, output):
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "archive",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            # A consumer that was killed is missed soon.
            "session.timeout.ms": 6000,
            "topic.metadata.refresh.interval.ms": 1000,
        }
    )
    consumer.subscribe(TOPICS, on_assign=lambda *_: print("ready", flush=True))
    with open(output, "ab", buffering=0) as file:
        # A kill may have cut off the last line; what was not committed comes again.
        file.truncate(Path(output).read_bytes().rfind(b"\n") + 1)
        while True:
            messages = consumer.consume(500, timeout=0.5)
            for message in messages:
                if message.error():
                    print(KafkaException(message.error()), file=sys.stderr, flush=True)
            lines = [message.value() for message in messages if not message.error()]
            if lines:
                file.write(b"".join(line + b"\n" for line in lines))
                consumer.commit(asynchronous=False)


{"cluster": cluster, "consume": consume}[sys.argv[1]](*sys.argv[2:])
