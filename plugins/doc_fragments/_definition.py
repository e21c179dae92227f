# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that describe namespaces that are being created. Private to the collection."""

    DOCUMENTATION = r"""
options:
  hostname:
    description: Host name in a new UTS namespace, at most 64 bytes. By default that of the host is copied.
    type: str
  domainname:
    description: NIS domain name in a new UTS namespace, at most 64 bytes. By default that of the host is copied.
    type: str
  uid_map:
    description:
      - Which user ids a new user namespace has, and what they are outside, as in C(/proc/PID/uid_map).
      - By default there are none, as with C(unshare --user); everything inside then belongs to C(nobody).
      - Root may map any ids. Others may map their own id, and with C(newuidmap) those that C(/etc/subuid) gives them.
    type: list
    elements: dict
    suboptions: &ids
      inside:
        description: First id inside, in plain decimal digits.
        type: str
        required: true
      outside:
        description: First id outside, in plain decimal digits.
        type: str
        required: true
      count:
        description: How many ids, in plain decimal digits.
        type: str
        required: true
  gid_map:
    description: The same for group ids. Where the kernel asks for it, O(setgroups) is set to V(deny) for it.
    type: list
    elements: dict
    suboptions: *ids
  setgroups:
    description: Whether processes in a new user namespace may change their supplementary groups.
    type: str
    choices: [allow, deny]
  time_offsets:
    description: What the clocks of a new time namespace show more than those of the host, in seconds, decimal to the
      nanosecond, perhaps negative.
    type: dict
    suboptions:
      monotonic:
        description: Offset of C(CLOCK_MONOTONIC).
        type: str
      boottime:
        description: Offset of C(CLOCK_BOOTTIME), which C(uptime) shows.
        type: str
  propagation:
    description:
      - Whether mounts in a new mount namespace are seen outside and the other way round.
      - V(private) (the default) lets nothing in or out, V(slave) lets mounts of the host in, V(slave_shared) does so
        and passes them on to further copies, V(unbindable) is private and can not be bind mounted.
      - V(shared) and V(unchanged) leave the mounts in the peer groups of the host; O(mounts) is refused with them.
    type: str
    choices: [shared, private, slave, unbindable, slave_shared, unchanged]
  mounts:
    description:
      - What to mount in a new mount namespace, in this order. The mount points have to exist.
      - A path that goes through a symbolic link is refused.
    type: list
    elements: dict
    suboptions:
      path:
        description: The mount point, from the root.
        type: str
        required: true
      src:
        description: What to mount. By default the O(mounts[].fstype).
        type: str
      fstype:
        description: Type of the file system. Needed unless O(mounts[].opts) has V(bind) or V(rbind).
        type: str
      opts:
        description: Options as in C(mount -o), with commas between them.
        type: str
  mount_proc:
    description: Mount a fresh C(/proc) in a new mount namespace. By default this is done if the PID namespace is new.
    type: bool
  loopback:
    description: Set the loopback device of a new network namespace up. This is the default.
    type: bool
"""
