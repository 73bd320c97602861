#!/bin/sh
# The first process of a slot's namespaces: folders for everybody that are the slot's own, and the agent's as it is.
# With it ends all that the slot has started.
set -eu
folder=$1
shift
exec 9<"$folder"
# Of the machine's devices those alone that lead nowhere; made where there is room for a moment.
mount -t tmpfs -o size=64k,mode=755,nosuid,noexec slot /tmp
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/fd /dev/stdin /dev/stdout /dev/stderr /tmp
mkdir /tmp/shm /tmp/pts /tmp/mqueue
ln -s pts/ptmx /tmp/ptmx
if [ -d /dev/mqueue ]; then mount -t mqueue slot /tmp/mqueue; fi
mount --move /tmp /dev
mount --all --fstab "${0%.sh}.fstab"
if ! [ "$folder" -ef /proc/self/fd/9 ]; then
  mkdir -p "$folder"
  mount --no-canonicalize --bind /proc/self/fd/9 "$folder"
fi
exec 9<&-
cd "$PWD"
set +e
# A session of its own has no terminal: at that of who started the agent, it neither hears nor types.
setsid "$@"
exit
