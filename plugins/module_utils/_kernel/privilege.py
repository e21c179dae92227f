# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Capabilities and no_new_privs of the calling process."""

from __future__ import annotations

import errno
import struct
import typing as t

from . import libc

_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_KEEPCAPS = 8
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522

CAPABILITIES: t.Mapping[str, int] = {
    "chown": 0,
    "dac_override": 1,
    "dac_read_search": 2,
    "fowner": 3,
    "fsetid": 4,
    "kill": 5,
    "setgid": 6,
    "setuid": 7,
    "setpcap": 8,
    "linux_immutable": 9,
    "net_bind_service": 10,
    "net_broadcast": 11,
    "net_admin": 12,
    "net_raw": 13,
    "ipc_lock": 14,
    "ipc_owner": 15,
    "sys_module": 16,
    "sys_rawio": 17,
    "sys_chroot": 18,
    "sys_ptrace": 19,
    "sys_pacct": 20,
    "sys_admin": 21,
    "sys_boot": 22,
    "sys_nice": 23,
    "sys_resource": 24,
    "sys_time": 25,
    "sys_tty_config": 26,
    "mknod": 27,
    "lease": 28,
    "audit_write": 29,
    "audit_control": 30,
    "setfcap": 31,
    "mac_override": 32,
    "mac_admin": 33,
    "syslog": 34,
    "wake_alarm": 35,
    "block_suspend": 36,
    "audit_read": 37,
    "perfmon": 38,
    "bpf": 39,
    "checkpoint_restore": 40,
}
"""The capabilities of capabilities(7), without "cap_", and the bits of linux/capability.h."""


def has(capability: str) -> bool:
    """Whether the capability is effective here, in the caller's own user namespace. Source: capget(2)."""
    return bool(_capget()[0] >> CAPABILITIES[capability] & 1)


def clear_inherited() -> None:
    """Empty the inheritable and ambient sets, which would outlive an exec. Source: capset(2), capabilities(7)."""
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    effective, permitted, _inheritable = _capget()
    _capset(effective, permitted, 0)


def bound(capabilities: t.Iterable[int]) -> None:
    """Cut the bounding set to these bits. Source: PR_CAPBSET_DROP(2const). Raises OSError; EPERM without SETPCAP."""
    kept = frozenset(capabilities)
    number = 0
    while (present := _bounding(number)) is not None:
        if present and number not in kept:
            libc.prctl(_PR_CAPBSET_DROP, number)
        number += 1


def keep_over_setuid() -> None:
    """Keep the permitted set when all user ids become other than 0. Source: PR_SET_KEEPCAPS(2const)."""
    libc.prctl(_PR_SET_KEEPCAPS, 1)


def hold_only(capabilities: t.Iterable[int]) -> None:
    """Cut the other four sets to these bits, ambient among them, so that they stay effective over an exec.

    Source: capset(2), PR_CAP_AMBIENT(2const). Raises OSError; EPERM for one that is not permitted.
    """
    kept = frozenset(capabilities)
    mask = sum(1 << number for number in kept)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    _capset(mask, mask, mask)
    for number in kept:
        libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number)


def no_new_privileges() -> None:
    """Let no exec from here on grant anything. Source: PR_SET_NO_NEW_PRIVS(2const)."""
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _bounding(number: int) -> bool | None:
    """Whether the bit is in the bounding set; None where the kernel has no such capability."""
    try:
        return bool(libc.prctl(_PR_CAPBSET_READ, number))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return None


def _capget() -> tuple[int, int, int]:
    """Effective, permitted and inheritable sets as bit masks."""
    memory = libc.buffer(bytes(24))
    libc.function("capget", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), memory)
    low = struct.unpack("=6I", memory.raw)
    return low[0] | low[3] << 32, low[1] | low[4] << 32, low[2] | low[5] << 32


def _capset(effective: int, permitted: int, inheritable: int) -> None:
    sets = (effective, permitted, inheritable)
    words = [mask & 0xFFFFFFFF for mask in sets] + [mask >> 32 for mask in sets]
    libc.function("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), struct.pack("=6I", *words))
