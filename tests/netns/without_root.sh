#!/bin/sh
# Runs a test as an ordinary user, in a user namespace of its own in which it may create network namespaces. Root may
# have to stay root, if the checkout is its own; without user namespaces the test runs as it is.
ordinary="setpriv --reuid=65534 --regid=65534 --clear-groups"
if [ "$(id -u)" = 0 ] && $ordinary unshare -Urnm test -x "$0" -a -x "$1" 2>/dev/null; then
    exec $ordinary "$0" "$@"
fi
if unshare -Urnm test -x "$1" 2>/dev/null; then
    exec unshare -Urnm sh -c 'mount -t tmpfs none /run && exec "$@"' sh "$@"
fi
exec "$@"
