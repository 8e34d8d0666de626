#!/bin/bash
# The rules of deploy/host/egress.nft, tried out in network namespaces of their own.
#
# Every row is tried twice: without the rules it must connect (else the row proves nothing), with them
# as the row says. Needs root, nft, ip, setpriv and python3; says so and ends with 0 when one is
# missing, or with 1 when ISOLATION=require.
set -uo pipefail
# Programs that other accounts may run too.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

here=$(cd "$(dirname "$0")/../.." && pwd)

skip() {
    echo "SKIPPED: egress rules are NOT tested: $*" >&2
    [ "${ISOLATION:-}" = require ] && exit 1
    exit 0
}

if [ "${1:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || skip "not root"
    for tool in nft ip setpriv python3 unshare nsenter; do
        command -v "$tool" >/dev/null || skip "$tool is not installed"
    done
    unshare --net true 2>/dev/null || skip "no network namespaces here"
    unshare --net nft list ruleset >/dev/null 2>&1 || skip "the kernel has no nftables"
    # A mount namespace too: the group and its members are made up, on a copy of the files.
    exec unshare --net --mount --pid --fork --kill-child --mount-proc "$0" inside
fi

set -e
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
cp /etc/group /etc/passwd "$files/"
# One account has the group as its own, one is a member, one is a stranger.
cat >>"$files/passwd" <<'END'
egress_own:x:61001:61900::/:/bin/sh
egress_member:x:61002:61002::/:/bin/sh
egress_stranger:x:61003:61003::/:/bin/sh
END
cat >>"$files/group" <<'END'
egress_users:x:61900:egress_member
egress_member:x:61002:
egress_stranger:x:61003:
END
mount --bind "$files/group" /etc/group
mount --bind "$files/passwd" /etc/passwd

# The world: another namespace behind a cable, with a metadata service, a private and a public one.
ip link set lo up
unshare --net sleep 600 &
far=$!
until [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
ip link add near type veth peer name far
ip link set far netns "$far"
ip addr add 10.77.0.1/24 dev near
ip link set near up
ip route add default via 10.77.0.2
nsenter --net --target "$far" sh -ec '
    ip link set lo up
    ip addr add 10.77.0.2/24 dev far
    ip link set far up
    for address in 169.254.169.254 10.9.9.9 93.184.215.14; do ip addr add $address/32 dev lo; done'

serve='
import selectors, socket, sys
waiting = selectors.DefaultSelector()
for port in sys.argv[1:]:
    server = socket.create_server(("", int(port)), reuse_port=False)
    waiting.register(server, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in waiting.select():
        client, _ = key.fileobj.accept()
        client.sendall(b"hello")
        client.close()
'
start() { # namespace of a process, account, ports
    local target=$1 account=$2
    shift 2
    coproc SERVER { exec nsenter --net --target "$target" setpriv --reuid "$account" --regid "$account" \
        --clear-groups python3 -c "$serve" "$@"; }
    read -r -u "${SERVER[0]}" line && [ "$line" = ready ]
}
start "$far" 0 80 5432 2>/dev/null
start $$ 0 4768 5432 22 2>/dev/null
# A server that an account runs itself: others must still get answers.
start $$ 61002 3000 2>/dev/null

try='
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 3) as it:
        print("open" if it.recv(5) == b"hello" else "closed")
except OSError:
    print("closed")
'
reach() { # uid, gid, groups, address, port
    setpriv --reuid "$1" --regid "$2" --groups "$3" python3 -c "$try" "$4" "$5"
}

own="61001 61900 61900"
member="61002 61002 61900,61002"
plain="61002 61002 61002"
stranger="61003 61003 61003"
root="0 0 0"
# who | address | port | with the rules
rows=(
    "$own|169.254.169.254|80|closed"
    "$member|169.254.169.254|80|closed"
    "$plain|169.254.169.254|80|closed"
    "$stranger|169.254.169.254|80|open"
    "$root|169.254.169.254|80|open"
    "$member|10.9.9.9|5432|closed"
    "$member|10.9.9.9|80|open"
    "$stranger|10.9.9.9|5432|open"
    "$member|93.184.215.14|80|open"
    "$member|127.0.0.1|4768|open"
    "$member|127.0.0.1|5432|closed"
    "$member|127.0.0.1|22|closed"
    "$member|127.9.9.9|5432|closed"
    "$member|10.77.0.1|5432|closed"
    "$own|127.0.0.1|5432|closed"
    "$stranger|127.0.0.1|5432|open"
    "$root|127.0.0.1|3000|open"
    "$stranger|127.0.0.1|3000|open"
    "$member|127.0.0.1|3000|closed"
)

failures=0
attempt() { # "with" or "without", expected or empty for the row's own
    local row who address port expected got
    for row in "${rows[@]}"; do
        IFS='|' read -r who address port expected <<<"$row"
        [ "$1" = without ] && expected=open
        # shellcheck disable=SC2086
        got=$(reach $who "$address" "$port")
        if [ "$got" != "$expected" ]; then
            echo "FAILED: $1 the rules, uid ${who%% *} to $address:$port is $got, not $expected" >&2
            failures=$((failures + 1))
        fi
    done
}

attempt without
"$here/deploy/host/egress" check
sed 's/^    set services_v4 {$/&\n        elements = { 10.9.9.9 . 5432 }/' \
    "$here/deploy/host/egress.nft" >"$files/egress.nft"
export GROVE_EGRESS_RULES="$files/egress.nft"
"$here/deploy/host/egress" apply egress_users
attempt with
# Again, as with each new account: replaced, not doubled.
"$here/deploy/host/egress" apply egress_users
chains=$("$here/deploy/host/egress" show | grep -c 'jump account')
[ "$chains" = 2 ] || { echo "FAILED: $chains jumps after loading twice" >&2; failures=$((failures + 1)); }
"$here/deploy/host/egress" remove
attempt without

if [ "$failures" != 0 ]; then
    echo "$failures failures" >&2
    exit 1
fi
echo "ok: ${#rows[@]} rows, each with and without the rules"
