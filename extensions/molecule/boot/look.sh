#!/bin/sh
# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the kernel and systemd tell: `sets` says all of the sets that a reboot may not change, anything but identities.
set -eu

sets() {
    systemctl is-system-running --wait >/dev/null || true
    for place in /run/*ns/molecule-*; do
        echo "$place $(stat --file-system --format %T "$place")"
    done
    for name in molecule-a molecule-b; do
        ip -netns "$name" -brief link | awk '{ sub("@.*", "", $1); print $1, $2 }'
        ip -netns "$name" -brief address | grep -v '^lo ' | sed 's/@[^ ]*//; s/fe80::[^ ]*//'
        ip -netns "$name" route
        ip -netns "$name" rule
        nsenter --net="/run/netns/$name" cat /proc/sys/net/ipv4/ip_forward
    done
    nsenter --uts=/run/utsns/molecule-b uname -n
    for unit in linux-namespaces-molecule-a:web linux-namespaces-molecule-b:inside linux-namespaces-molecule-d:inside \
        molecule-unit; do
        pid=$(systemctl show --property=MainPID --value "$unit.service")
        # Where systemd has it started with nsenter, and a PID namespace, the command is the child.
        child=$(cat "/proc/$pid/task/$pid/children")
        pid=${child:-$pid}
        pid=${pid% }
        echo "$unit: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
        for type in cgroup ipc mnt net pid time user uts; do
            own=$(stat --dereference --format %i "/proc/$pid/ns/$type")
            for name in molecule-a molecule-b molecule-d; do
                handle=$(stat --format %i "/run/${type}ns/$name" 2>/dev/null || true)
                [ "$own" != "$handle" ] || echo "$unit is in $type of $name"
            done
        done
        cat "/proc/$pid/uid_map" "/proc/$pid/gid_map" "/proc/$pid/timens_offsets"
    done
}

files() {
    find /etc /usr/local /run/*ns /run/linux-namespaces -xdev 2>/dev/null | sort
    systemctl list-units --all --plain --no-legend 'linux-namespaces*'
}

failed() {
    systemctl --failed --plain --no-legend | awk '/linux-namespaces/ { print $1 }'
    journalctl --unit linux-namespaces@molecule-c.service --output cat | grep /etc/linux-namespaces/molecule-c.json
    ! pgrep --full boot.pyz
}

services() {
    ip -netns molecule-a route show 10.78.0.0/16
    ip -netns molecule-a route show 10.80.0.0/16
    systemctl is-active linux-namespaces@molecule-c.service molecule-unit.service linux-namespaces-molecule-a:web.service || true
    pid=$(systemctl show --property=MainPID --value linux-namespaces-molecule-d:inside.service)
    [ ! "/proc/$pid/ns/ipc" -ef /run/ipcns/molecule-d ] || echo inside
}

"$1"
