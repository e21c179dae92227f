# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that name existing namespaces. Private to the collection."""

    DOCUMENTATION = r"""
options:
  name:
    description: Enter the persistent namespaces of this name, a set as M(linux.namespaces.ns_persistent) makes it.
    type: str
  pid:
    description:
      - Enter the namespaces of the process with this id, in plain decimal digits.
      - The process is held while it is looked at, so that the id can not come to mean another process meanwhile.
    type: str
  handles:
    description:
      - Enter the namespaces at these paths, by type.
      - A path is a handle (a namespace that is bind mounted to a file) or a link like C(/proc/1234/ns/net).
        Any other symbolic link at the end of a path and whatever is no namespace of that type is refused.
    type: dict
    suboptions:
      user:
        description: Path of a user namespace.
        type: path
      mnt:
        description: Path of a mount namespace.
        type: path
      uts:
        description: Path of a UTS namespace.
        type: path
      ipc:
        description: Path of an IPC namespace.
        type: path
      net:
        description: Path of a network namespace.
        type: path
      cgroup:
        description: Path of a cgroup namespace.
        type: path
      time:
        description: Path of a time namespace.
        type: path
      pid:
        description: Path of a PID namespace.
        type: path
  types:
    description:
      - Enter namespaces of these types alone. By default every namespace of the target that differs from the one
        that the task runs in is entered.
      - A type that is named here and that the target lacks, or shares with the task, is an error. So is, by default,
        one that M(linux.namespaces.ns_persistent) gave the set of this name and that has no handle any more.
    type: list
    elements: str
    choices: [user, mnt, uts, ipc, net, cgroup, time, pid]
  expect:
    description:
      - Which namespaces the target has to lead to, by type, each as M(linux.namespaces.ns_exec) returns it in
        C(namespaces). Where it leads to another one the task fails, and nothing was entered.
      - For a target that was looked up before, as the C(reference) of M(linux.namespaces.ns_facts). Its process may
        have ended since, and its id be that of another one; a process or a descriptor may lead elsewhere.
      - Before Linux 6.18 there is nothing but the inode number to tell, which the kernel uses again for a namespace
        that is made after it ended.
    type: dict
    suboptions:
      user:
        description: Which user namespace.
        type: dict
        suboptions: &identity
          inode:
            description: Its inode number.
            type: str
            required: true
          id:
            description: Its 64-bit id. By default, and where the kernel gives none, it is not compared.
            type: str
      mnt:
        description: Which mount namespace.
        type: dict
        suboptions: *identity
      uts:
        description: Which UTS namespace.
        type: dict
        suboptions: *identity
      ipc:
        description: Which IPC namespace.
        type: dict
        suboptions: *identity
      net:
        description: Which network namespace.
        type: dict
        suboptions: *identity
      cgroup:
        description: Which cgroup namespace.
        type: dict
        suboptions: *identity
      time:
        description: Which time namespace.
        type: dict
        suboptions: *identity
      pid:
        description: Which PID namespace.
        type: dict
        suboptions: *identity
"""
