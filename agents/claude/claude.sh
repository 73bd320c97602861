#!/bin/sh
# Starts Claude Code for a slot: marks the moment, then becomes the slot's user and dies with the runner.
: >"$STACK_STARTED"
uid=$STACK_UID claude=$STACK_CLAUDE network=$STACK_NETWORK folder=$STACK_FOLDER groups=$STACK_GROUPS limits=$STACK_LIMITS
unset STACK_UID STACK_CLAUDE STACK_STARTED STACK_NETWORK STACK_FOLDER STACK_GROUPS STACK_LIMITS
# Where memory is short, a task ends before anybody else.
echo 900 >/proc/self/oom_score_adj
if [ -z "$uid" ]; then
  exec prlimit $limits -- setpriv --no-new-privs --pdeathsig KILL -- "$claude" "$@"
fi
for group in $groups; do echo 0 >"$group" || exit; done
# A program that its user may start but not read is closed to what else runs as that user: no memory, no descriptors,
# no ptrace (fs/exec.c, would_dump). `env` starts it once the user is another: the one who starts is asked.
set -- prlimit $limits -- \
  setpriv --reuid="$uid" --regid="$uid" --clear-groups --inh-caps=-all --no-new-privs --pdeathsig KILL -- env "$claude" "$@"
if [ -z "$network" ]; then
  exec "$@"
fi
exec setpriv --pdeathsig KILL -- nsenter --net="$network" -- \
  unshare --mount --ipc --pid --fork --kill-child --mount-proc -- "${0%claude.sh}inside.sh" "$folder" "$@"
