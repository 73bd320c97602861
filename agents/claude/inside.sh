#!/bin/sh
# The first process of a slot's namespaces: folders for everybody that are the slot's own, and the agent's as it is.
# With it ends all that the slot has started.
set -eu
folder=$1
shift
exec 9<"$folder"
mount --all --fstab "${0%.sh}.fstab"
if [ -d /dev/mqueue ]; then mount -t mqueue slot /dev/mqueue; fi
if ! [ "$folder" -ef /proc/self/fd/9 ]; then
  mkdir -p "$folder"
  mount --no-canonicalize --bind /proc/self/fd/9 "$folder"
fi
exec 9<&-
cd "$PWD"
set +e
"$@"
exit
