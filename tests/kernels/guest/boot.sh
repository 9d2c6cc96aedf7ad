#!/bin/sh
# Hands the first process to systemd.
export PATH=/usr/bin:/usr/sbin
exec /usr/lib/systemd/systemd
