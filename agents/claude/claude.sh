#!/bin/sh
# Starts Claude Code for a slot: marks the moment, then becomes the slot's user and dies with the runner.
# The second --pdeathsig matters where the user changes: changing it clears the first.
: >"$STACK_STARTED"
uid=$STACK_UID claude=$STACK_CLAUDE
unset STACK_UID STACK_CLAUDE STACK_STARTED
if [ -n "$uid" ]; then
  exec setpriv --reuid="$uid" --regid="$uid" --clear-groups --inh-caps=-all --no-new-privs --pdeathsig KILL -- "$claude" "$@"
fi
exec setpriv --no-new-privs --pdeathsig KILL -- "$claude" "$@"
