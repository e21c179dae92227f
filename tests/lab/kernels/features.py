# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the running kernel what it offers, without a word to the collection.

    features.py FILE

As root. FILE gets a JSON object: the release, and what it has.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import functools
import json
import os
import struct
import subprocess
import sys
import typing as t
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_INTO_CGROUP, CLONE_NEWNET, SIGCHLD = 0x200000000, 0x40000000, 17
CGROUP = Path("/sys/fs/cgroup/kernel-features")
LINKS = ("veth", "bridge", "vxlan", "dummy", "vlan", "ipvlan", "macvlan", "wireguard", "vrf", "ifb")
# What some kinds need beside their name; those of ON_TOP need a device below them.
LINK_WORDS = {
    "vxlan": "vxlan id 7 dstport 4789",
    "vlan": "vlan id 7",
    "vrf": "vrf table 7",
}
ON_TOP = ("vlan", "ipvlan", "macvlan")


def has_syscall(number: int) -> bool:
    """Whether the number is known: with nothing but wrong arguments, a known one fails in another way than ENOSYS."""
    arguments = [ctypes.c_long(-1)] * 6
    return LIBC.syscall(ctypes.c_long(number), *arguments) != -1 or ctypes.get_errno() != errno.ENOSYS


def has_ioctl(open_it: t.Callable[[], int], request: int, argument: bytes | int = 0) -> bool:
    """Whether it is known for what is opened: what is not is ENOTTY, EINVAL for a pidfd."""
    fd = open_it()
    try:
        fcntl.ioctl(fd, request, argument)
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EINVAL):
            return False
        if error.errno == errno.ESRCH:
            return True
        raise
    finally:
        os.close(fd)
    return True


def namespace(name: str) -> t.Callable[[], int]:
    return functools.partial(os.open, f"/proc/self/ns/{name}", os.O_RDONLY)


def own_pidfd() -> int:
    return os.pidfd_open(os.getpid())


def ior(kind: int, number: int, size: int, direction: int = 2) -> int:
    return direction << 30 | size << 16 | kind << 8 | number


def joins_by_pidfd() -> bool:
    fd = own_pidfd()
    try:
        return bool(LIBC.setns(fd, CLONE_NEWNET) == 0)
    finally:
        os.close(fd)


def is_born_in_cgroup() -> bool:
    fd = os.open(CGROUP, os.O_PATH)
    try:
        arguments = struct.pack("=11Q", CLONE_INTO_CGROUP, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, fd)
        pid = LIBC.syscall(ctypes.c_long(435), arguments, ctypes.c_long(len(arguments)))
        if pid == 0:
            os._exit(0)
        if pid > 0:
            os.waitpid(pid, 0)
        return bool(pid > 0)
    finally:
        os.close(fd)


def has_handle() -> bool:
    """Whether a namespace has a file handle."""
    memory = ctypes.create_string_buffer(struct.pack("=Ii", 128, 0) + bytes(128))
    fd = namespace("net")()
    try:
        mount_id = ctypes.c_int()
        return bool(LIBC.name_to_handle_at(fd, b"", memory, ctypes.byref(mount_id), 0x1000) == 0)
    finally:
        os.close(fd)


def works(*script: str) -> bool:
    """Whether all of these commands do, in namespaces of their own."""
    words = ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-ec", "\n".join(script)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def can_make(link: str) -> bool:
    base = "ip link add base type veth peer name other; ip link set base up"
    device = "link base" if link in ON_TOP else ""
    return works(base, f"ip link add {device} name made type {LINK_WORDS.get(link, link)}")


def mounts_nosymfollow() -> bool:
    return works("mount -t tmpfs -o nosymfollow tmpfs /mnt", "grep ' /mnt .*nosymfollow' /proc/self/mountinfo")


def mounts_overlay() -> bool:
    script = (
        "mount -t tmpfs tmpfs /tmp; cd /tmp; mkdir a b c d; mount -t overlay -o lowerdir=a,upperdir=b,workdir=c x d"
    )
    return works(f"unshare --user --map-root-user --mount sh -ec '{script}'")


def is_ordinary_user_allowed() -> bool:
    return works("setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user true")


FEATURES: t.Mapping[str, t.Callable[[], bool]] = {
    "clone3": lambda: has_syscall(435),
    "CLONE_INTO_CGROUP": is_born_in_cgroup,
    "openat2": lambda: has_syscall(437),
    "close_range": lambda: has_syscall(436),
    "setns of a pidfd": joins_by_pidfd,
    "time namespaces": lambda: os.path.exists("/proc/self/ns/time"),
    "user namespaces for ordinary users": is_ordinary_user_allowed,
    "nosymfollow": mounts_nosymfollow,
    "overlay in a user namespace": mounts_overlay,
    "mount_setattr": lambda: has_syscall(442),
    "cgroup.kill": (CGROUP / "cgroup.kill").exists,
    "statmount, listmount": lambda: has_syscall(457) and has_syscall(458),
    "NS_GET_MNTNS_ID": lambda: has_ioctl(namespace("mnt"), ior(0xB7, 5, 8), bytes(8)),
    "NS_GET_TGID_FROM_PIDNS": lambda: has_ioctl(namespace("pid"), ior(0xB7, 7, 4), 1),
    "PIDFD_GET_NET_NAMESPACE": lambda: has_ioctl(own_pidfd, ior(0xFF, 4, 0, 0)),
    "NS_MNT_GET_INFO": lambda: has_ioctl(namespace("mnt"), ior(0xB7, 10, 16), bytes(16)),
    "PIDFD_GET_INFO": lambda: has_ioctl(own_pidfd, ior(0xFF, 11, 64, 3), bytes(64)),
    "NS_GET_ID": lambda: has_ioctl(namespace("net"), ior(0xB7, 13, 8), bytes(8)),
    "file handles of namespaces": has_handle,
    "listns": lambda: has_syscall(470),
    **{f"link {link}": functools.partial(can_make, link) for link in LINKS},
}


def main(file: str) -> None:
    CGROUP.mkdir()
    has = {name: ask() for name, ask in FEATURES.items()}
    Path(file).write_text(json.dumps({"release": os.uname().release, "has": has}))
    CGROUP.rmdir()


if __name__ == "__main__":
    main(*sys.argv[1:])
