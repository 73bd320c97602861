#!/bin/sh
# Stands in for Claude Code where what is measured is all that is around it: hands in an empty report after a moment.
read -r line
id=$(printf '%s' "$line" | sed -n 's/.*"request_id": *"\([^"]*\)".*/\1/p')
printf '{"type":"control_response","response":{"subtype":"success","request_id":"%s","response":{}}}\n' "$id"
read -r line
sleep 0.1
printf '%s\n' '{"type":"result","subtype":"success","is_error":false,"duration_ms":1,"duration_api_ms":1,"num_turns":1,"session_id":"0","total_cost_usd":0,"usage":{},"result":"","structured_output":{"summary":"Done.","findings":[]}}'
cat >/dev/null
