#!/bin/sh
# A batch of events into Kafka, each under its uuid as key:
#   KAFKA=broker1:9092 opev tail --resume --exec ./kafka.sh
# kcat ends with 0 once every event was acknowledged by all replicas; else the batch is offered again, and readers see
# some events twice, with the same key.
set -eu
jq -rR '"\(fromjson.uuid)\t\(.)"' |
  kcat -P -b "$KAFKA" -t "opev.$OPEV_BATCH_STREAM" -K '\t' -E \
    -X acks=all -X enable.idempotence=true -X delivery.timeout.ms=20000
