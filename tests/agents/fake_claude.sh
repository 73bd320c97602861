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
  lingers)
    printf '%s\n' '{"type":"result","subtype":"success","is_error":false,"duration_ms":1,"duration_api_ms":1,"num_turns":1,"session_id":"0","total_cost_usd":0,"usage":{},"result":"","structured_output":{"summary":"Done.","findings":[]}}'
    trap '' TERM
    while :; do sleep 1; done ;;
esac
