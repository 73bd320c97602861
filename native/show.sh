#!/bin/sh
# show.sh PLACE COUNT FOLDER... COMMAND...: runs a command for which PLACE, where other users may not go (such as /root),
# has nothing in it but these folders of it. In a mount namespace of its own (`unshare --mount`).
set -eu
mask=$(umask)
umask 022
place=$1 end=$((3 + $2)) fd=3
shift 2
while [ $fd -lt $end ]; do
  eval "shown_$fd=\$1; exec $fd<\"\$1\""
  fd=$((fd + 1))
  shift
done
mount -t tmpfs -o mode=755,size=1m,nosuid,nodev shown "$place"
while [ $fd -gt 3 ]; do
  fd=$((fd - 1))
  eval "shown=\$shown_$fd"
  mkdir -p "$shown"
  mount --no-canonicalize --bind "/proc/self/fd/$fd" "$shown"
  eval "exec $fd<&-"
done
cd "$PWD"
umask "$mask"
exec "$@"
