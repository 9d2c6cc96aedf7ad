#!/bin/sh
# The first process of a guest: file systems, modules, then what the image names in /next.
export PATH=/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
while read -r module; do insmod "/modules/$module.ko" || echo "insmod $module failed"; done </modules/order
mkdir -p /dev/net /run/netns /dev/shm
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
ip link set lo up
exec /next
