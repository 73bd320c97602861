#!/bin/sh
# The first program of an agent's container. The container is the boundary of the slot in it: whoever is not root has its
# own loopback, where the agent relays to the model proxy, and nothing else. Then nobody can change that any more, the
# agent included: NET_ADMIN is gone for good.
set -eu

# Listed is what may leave. On its loopback a task speaks TCP, and as 127.0.0.1 alone: as 127.0.0.11, and by UDP, it
# could answer the agent in the place of Docker's name server. A packet whose socket has no owner (any more), as the
# kernel's own, may end a connection and find a neighbour, and open nothing.
filter='
table inet slot {
  chain out {
    type filter hook output priority filter; policy drop;
    oif "lo" ip saddr 127.0.0.1 ip daddr 127.0.0.1 meta l4proto tcp accept
    oif "lo" ip6 saddr ::1 ip6 daddr ::1 meta l4proto tcp accept
    meta skuid 0 accept
    meta skuid != 0 meta l4proto tcp reject with tcp reset
    meta skuid != 0 drop
    tcp flags & syn == 0 accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  }
}'
if ! said=$(echo "$filter" | nft -f - 2>&1); then
  echo "agents: the filter that keeps a task from all but the model proxy could not be set, so no agent is started here." \
    "It takes NET_ADMIN and SETPCAP among cap_add in docker-compose.yml, and nf_tables in this machine's kernel" \
    "(modprobe nf_tables nft_reject_inet). nft said: $said" >&2
  exit 1
fi

exec setpriv --inh-caps=-all --bounding-set=-net_admin,-setpcap -- "$@"
