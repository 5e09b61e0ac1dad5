#!/bin/sh
# A batch of events into a stream of Redis, an entry each:
#   REDIS=redis://127.0.0.1:6379 opev tail --resume --exec ./redis.sh
# The script runs as one step in the server and remembers the batch for a day, so that one that is offered again adds
# nothing. What is acknowledged survives a crash where the server has appendonly yes and appendfsync always.
set -eu
script='
if #ARGV[2] ~= tonumber(ARGV[1]) then return redis.error_reply("the batch is cut off") end
if redis.call("SET", KEYS[2], 1, "NX", "EX", 86400) then
  for line in ARGV[2]:gmatch("[^\n]+") do redis.call("XADD", KEYS[1], "*", "event", line) end
end'
# Both keys have one part in braces, which puts them on one node of a cluster; -x adds the batch as the last argument.
redis-cli -u "$REDIS" -e -x EVAL "$script" 2 "{opev}.$OPEV_BATCH_STREAM" \
  "{opev}.$OPEV_BATCH_STREAM.$OPEV_BATCH_ID" "$OPEV_BATCH_BYTES" >/dev/null
