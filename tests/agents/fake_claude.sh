#!/bin/sh
# Stands in for the Claude Code CLI where a test needs one that misbehaves; the test writes in what it does.
mode=MODE
read -r line
id=$(printf '%s' "$line" | sed -n 's/.*"request_id": *"\([^"]*\)".*/\1/p')
case $mode in
  exit) echo "something is wrong with me" >&2; exit 1 ;;
  junk) echo 'this is not JSON {{{'; echo 'nor is this'; exit 0 ;;
esac
printf '{"type":"control_response","response":{"subtype":"success","request_id":"%s","response":{}}}\n' "$id"
read -r line
case $mode in
  silent_exit) exit 0 ;;
  # Each ends by itself, whether or not somebody stops it.
  fork_bomb) exec /usr/bin/python3 -c 'import os, time
for _ in range(2000):
    try:
        if not os.fork(): time.sleep(20); os._exit(0)
    except OSError: time.sleep(0.05)
time.sleep(20)' ;;
  memory_bomb) exec /usr/bin/python3 -c 'import time
held = [b"x" * (16 << 20) for _ in range(64)]
time.sleep(20)' ;;
  disk_bomb) exec /usr/bin/python3 -c 'import os, time
for n in range(64):
    with open(os.environ["HOME"] + f"/{n}", "wb") as file: file.write(os.urandom(16 << 20))
time.sleep(20)' ;;
  lingers)
    printf '%s\n' '{"type":"result","subtype":"success","is_error":false,"duration_ms":1,"duration_api_ms":1,"num_turns":1,"session_id":"0","total_cost_usd":0,"usage":{},"result":"","structured_output":{"summary":"Done.","findings":[]}}'
    trap '' TERM
    while :; do sleep 1; done ;;
esac
