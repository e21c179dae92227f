# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nsenter
short_description: Run any module inside existing namespaces of the target
description:
  - Runs what a task runs on the target, its module or command, inside existing namespaces there.
  - Exactly one target is named, by O(nsenter_name), O(nsenter_target_pid) or O(nsenter_handles). Whatever of it can not
    be entered, or is what the login is in already, is an error; nothing is run on the host instead.
  - The target needs a POSIX shell and util-linux (2.26; 2.28 for C(cgroup) namespaces, 2.36 for C(time)). Inside there
    has to be C(/bin/sh), and what the module needs, its Python above all.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
options:
  nsenter_name:
    description: Enter the persistent namespaces of this name, a set as M(linux.namespaces.ns_persistent) makes it.
    type: str
    vars:
      - name: ansible_nsenter_name
  nsenter_target_pid:
    description:
      - Enter the namespaces of the process with this id on the target, in plain decimal digits.
      - By default those that differ from what the login is in, see O(nsenter_types).
    type: str
    vars:
      - name: ansible_nsenter_target_pid
  nsenter_handles:
    description:
      - Enter the namespaces at these absolute paths. The keys are types, as for O(nsenter_types).
      - A path is a handle (a namespace that is bind mounted to a file) or a link like C(/proc/1234/ns/net).
    type: dict
    vars:
      - name: ansible_nsenter_handles
  nsenter_types:
    description:
      - Enter namespaces of these types alone, of V(user), V(mnt), V(uts), V(ipc), V(net), V(cgroup), V(time), V(pid).
        By default all that the set has, or all in which the process differs from the login.
      - A type that is named here and that the target lacks, or shares with the login, is an error. So is, by default,
        one that M(linux.namespaces.ns_persistent) gave the set and that has no handle any more.
    type: list
    elements: str
    vars:
      - name: ansible_nsenter_types
  nsenter_user:
    description:
      - Be this user inside. By default it is root, that of the user namespace where one is entered.
      - A name or a number that C(/etc/passwd) has, inside; C(/etc/group) there has the groups. Nothing else is asked.
        An id there that is none (0 to 4294967294, without a 0 in front) is an error.
      - C(setpriv) of util-linux has to be inside.
    type: str
    vars:
      - name: ansible_nsenter_user
  nsenter_sysfs:
    description:
      - Where a network namespace is entered and no mount namespace, have a private copy of the mounts, with a C(/sys)
        that shows the interfaces of the network namespace. What is mounted below C(/sys), as the cgroups, stays.
      - A mount that the task makes is then gone with it. Where that is what the task is for, say V(false).
      - A boolean as Ansible knows them. Whatever else is refused.
    type: raw
    default: true
    vars:
      - name: ansible_nsenter_sysfs
  nsenter_sudo:
    description:
      - Whether to become root by sudo first. V(auto) does unless the login is root already, which C(id -u) says there.
    type: str
    choices: [auto, always, never]
    default: auto
    vars:
      - name: ansible_nsenter_sudo
  become_exe:
    description: The program that is called as sudo.
    type: str
    default: sudo
    vars:
      - name: ansible_become_exe
    env:
      - name: ANSIBLE_BECOME_EXE
    ini:
      - section: privilege_escalation
        key: become_exe
    keyword:
      - name: become_exe
  become_flags:
    description: Options for sudo, as words of a shell. Nothing in them is expanded.
    type: str
    default: -H -S -n
    vars:
      - name: ansible_become_flags
    env:
      - name: ANSIBLE_BECOME_FLAGS
    ini:
      - section: privilege_escalation
        key: become_flags
    keyword:
      - name: become_flags
  become_pass:
    description: The password for sudo.
    type: str
    vars:
      - name: ansible_become_password
      - name: ansible_become_pass
    env:
      - name: ANSIBLE_BECOME_PASS
  refused_user:
    description:
      - What Ansible knows as C(become_user). Anything but V(root) is refused, wherever it was set. Say who to be inside
        with O(nsenter_user).
    type: str
    vars:
      - name: ansible_become_user
    env:
      - name: ANSIBLE_BECOME_USER
    ini:
      - section: privilege_escalation
        key: become_user
    keyword:
      - name: become_user
notes:
  - Where a mount namespace is entered, the shell and the Python that are found there run with all rights that the login
    has on the host, unless a user namespace is entered too. O(nsenter_user) does not change that, as it comes later.
  - Of a set that M(linux.namespaces.ns_persistent) neither made nor was told to have, as one of C(ip netns add), nobody
    knows which types it lost. What is left of it is entered; with O(nsenter_types) a type that is missing is an error.
  - With a connection of type C(local), core shows a failure to enter as C(Premature end of stream), and the reason in
    the lines below.
  - Ansible does not call a become plugin for everything. These run on the host or on the controller.
  - Tasks that do not say C(become), whatever else is set.
  - Tasks that say C(become) is false, or for which the variable C(ansible_become) is, which wins over the keyword.
  - Tasks with C(delegate_to), where the variables of the other host count, and tasks with another C(become_method), or
    for which the variable C(ansible_become_method) is another one.
  - What works on the controller, as the actions C(debug), C(set_fact), C(assert), C(add_host), C(meta) and
    C(include_vars), lookups, and the rendering of a template. C(ansible.builtin.fetch) and C(slurp) read inside.
  - Connections that know no become, as C(network_cli).
  - Of each other task the discovery of the Python interpreter and the transfer of files.
  - Where it matters, have the tasks of the first example, which compare, before. They fail for whoever is outside.
  - The interpreter is looked for outside. Where a mount namespace has another Python, or who the task runs as may not
    execute that of the login, say so in C(ansible_python_interpreter), as C(/usr/bin/python3).
  - With C(pipelining) a module needs no files on the target. Without it, and always with M(ansible.builtin.copy),
    M(ansible.builtin.template), M(ansible.builtin.script) and with C(async), files are put into C(ansible_remote_tmp)
    outside. Where a mount namespace is entered this has to be a directory that is the same inside; who enters a user
    namespace, or has O(nsenter_user), has to be allowed to read there what the login wrote. If not, the task fails and
    says so. With C(async), and a login that is not root or O(nsenter_user), C(ansible_async_dir) has to be an absolute
    path. M(linux.namespaces.ns_exec) needs no files inside.
  - Variables of the environment that the login brought do not go in when their names begin with C(PYTHON), C(LD_) or
    C(ANSIBLE_). Those of the keyword C(environment) do.
  - Files that the login has open under the numbers 3 to 9 do not go in. Those from 10 on do, as C(sh) can not close
    them. The inheritable capabilities of a login as root do not, where C(setpriv) is on the target.
  - What ends with the status 255 inside ends with 254, as C(ssh) would say by it that the host is out of reach.
  - From its C(/bin/sh) on, what is inside can take as long as it likes. The keyword C(timeout) of a task limits that.
seealso:
  - module: linux.namespaces.ns_exec
  - module: linux.namespaces.ns_persistent
  - module: linux.namespaces.ns_facts
"""

EXAMPLES = r"""
- name: Work in the set blue
  hosts: routers
  gather_facts: false
  become: true
  become_method: linux.namespaces.nsenter
  vars:
    ansible_nsenter_name: blue
  tasks:
    - name: See which network namespace that is on the host
      ansible.builtin.stat:
        path: /run/netns/blue
        get_checksum: false
      become_method: ansible.builtin.sudo
      register: handle

    - name: See in which one tasks run
      ansible.builtin.stat:
        path: /proc/self/ns/net
        follow: true
        get_checksum: false
      register: here

    - name: Be inside, or stop
      ansible.builtin.assert:
        that: here.stat.inode == handle.stat.inode

    - name: Gather the facts of the inside
      ansible.builtin.setup:

    - name: Let nobody in
      ansible.builtin.iptables:
        chain: INPUT
        policy: DROP

- name: Ask each of the sets that a host has
  hosts: routers
  tasks:
    - name: Find them
      linux.namespaces.ns_facts:
        types: [net]
        sources: [mounts]
      become: true

    - name: Wait for the service in each
      ansible.builtin.wait_for:
        port: 179
      become: true
      become_method: linux.namespaces.nsenter
      vars:
        ansible_nsenter_name: "{{ item }}"
        ansible_nsenter_types: [net]
      loop: "{{ nets | map(attribute='name') | select }}"
  vars:
    nets: "{{ ansible_facts.linux_namespaces.namespaces | selectattr('type', '==', 'net') }}"

- name: See what a container serves, as the user that serves it
  hosts: web
  tasks:
    - name: Ask for it
      ansible.builtin.uri:
        url: http://127.0.0.1:8080/
      become: true
      become_method: linux.namespaces.nsenter
      vars:
        ansible_nsenter_target_pid: "{{ container_pid }}"
        ansible_nsenter_user: www-data
"""

import re
import shlex
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.become import BecomeBase

from ..module_utils._kernel import nstypes
from ..module_utils._namespaces.errors import NamespaceError, refuse
from ..module_utils._namespaces.values import absolute_path, plain_number, refuse_unusable_text, set_name
from ..plugin_utils import _launcher

_WAYS = ("nsenter_name", "nsenter_target_pid", "nsenter_handles")
_LAST_PID = 1 << 22
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BecomeModule(BecomeBase):
    """What core calls for each command that a task runs on the target."""

    name = _launcher.NAME
    # What sudo says.
    fail = ("Sorry, try again.",)
    missing = ("Sorry, a password is required to run sudo", "sudo: a password is required")

    def build_become_command(self, cmd: str, shell: t.Any) -> str:
        """The command with all that goes before it. Raises AnsibleError."""
        super().build_become_command(cmd, shell)  # type: ignore[no-untyped-call] # core's own has no annotations
        if not cmd:
            return cmd
        given = {name: self.get_option(name) for name in self.option_definitions}
        in_home = "async_wrapper" in cmd and shell.get_option("async_dir").startswith("~")
        try:
            refuse_unusable_text(given)
            words = self._words(given, getattr(shell, "tmpdir", None) or "", in_home)
        except NamespaceError as error:
            raise AnsibleError(f"{self.name}: {error}") from error
        return f"{shlex.join(words)} {self._build_success_command(cmd, shell)}"

    def _words(self, given: t.Mapping[str, t.Any], files: str, in_home: bool) -> list[str]:
        """What goes before the command; in_home: it leaves the state of an async job in a home directory."""
        if given["refused_user"] not in (None, "", "root"):
            raise refuse(
                "become_user",
                f"it is {given['refused_user']!r}, and would not be who the task runs as",
                "say who to be inside with ansible_nsenter_user, and leave become_user out",
            )
        user = _user(given["nsenter_user"])
        if user and in_home:
            raise refuse(
                "nsenter_user",
                f"the job of an async task would be lost in the home directory of {user}",
                "set ansible_async_dir to an absolute path",
            )
        target = _target(given)
        launcher = _launcher.command(target, user, _plain_boolean("nsenter_sysfs", given["nsenter_sysfs"]), files)
        how = given["nsenter_sudo"]
        return launcher if how == "never" else _launcher.as_root(how, self._sudo(given), target, in_home, launcher)

    def _sudo(self, given: t.Mapping[str, t.Any]) -> list[str]:
        """As ansible.builtin.sudo calls it: with a password, it must ask for it in words that are recognised."""
        program = given["become_exe"]
        if not program or program.startswith("-"):
            raise refuse("become_exe", f"{program!r} is no program")
        try:
            flags = shlex.split(given["become_flags"] or "")
        except ValueError as error:
            raise refuse("become_flags", f"these are no words of a shell: {error}") from error
        if given["become_pass"]:
            self.prompt = f"[sudo via ansible, key={self._id}] password:"
            flags = [_interactive(flag) for flag in flags if flag not in ("-n", "--non-interactive")]
            flags += ["-p", self.prompt]
        return [program, *flags, "-u", "root"]


def _interactive(flag: str) -> str:
    """The flags without n, which would let sudo fail rather than ask."""
    return flag if flag.startswith("--") else re.sub(r"^(-\w*)n(\w*.*)", r"\1\2", flag)


def _target(given: t.Mapping[str, t.Any]) -> _launcher.Target:
    """What is to be entered. Raises NamespaceError."""
    ways = [way for way in _WAYS if given[way] is not None]
    if len(ways) != 1:
        variables = ", ".join(f"ansible_{way}" for way in _WAYS)
        found = " and ".join(f"ansible_{way}" for way in ways)
        cause = f"{found} are given" if found else "none is named"
        raise NamespaceError("enter namespaces", cause, f"give exactly one of {variables}")
    kinds = (
        None if given["nsenter_types"] is None else [_kind("nsenter_types", name) for name in given["nsenter_types"]]
    )
    if kinds == []:
        raise refuse("nsenter_types", "it is empty, so nothing is left to enter", "leave it out for all that there are")
    if given["nsenter_name"] is not None:
        if not given["nsenter_name"]:
            raise refuse(
                "nsenter_name",
                "it is empty",
                "give it the name of a set; what it is made of may be empty, or the default of what is undefined",
            )
        return _launcher.of_set(set_name("nsenter_name", given["nsenter_name"]), kinds)
    if given["nsenter_target_pid"] is not None:
        pid = plain_number("nsenter_target_pid", given["nsenter_target_pid"])
        if not 1 <= pid <= _LAST_PID:
            raise refuse("nsenter_target_pid", f"{pid} is no process")
        return _launcher.of_process(pid, kinds)
    return _launcher.of_handles(_handles(given["nsenter_handles"], kinds))


def _handles(handles: t.Mapping[t.Any, t.Any], kinds: list[nstypes.NsType] | None) -> dict[nstypes.NsType, str]:
    found = {}
    for name, path in handles.items():
        if path is not None:
            kind = _kind("nsenter_handles", name)
            if not isinstance(path, str) or _CONTROL.search(path):
                raise refuse(f"nsenter_handles.{kind.name}", f"{path!r} is no path on one line")
            found[kind] = absolute_path(f"nsenter_handles.{kind.name}", str(path))
    lacking = [kind.name for kind in kinds or () if kind not in found]
    if lacking or not found:
        raise refuse("nsenter_handles", f"it names no {' and no '.join(lacking) or 'namespace at all'}")
    return {kind: found[kind] for kind in nstypes.ALL if kind in (kinds or found)}


def _kind(option: str, name: t.Any) -> nstypes.NsType:
    if not isinstance(name, str) or name not in nstypes.BY_NAME:
        raise refuse(option, f"{name!r} is no type of namespace", f"there are {', '.join(nstypes.BY_NAME)}")
    return nstypes.BY_NAME[name]


def _plain_boolean(option: str, value: t.Any) -> bool:
    """Core takes whatever is no boolean for false."""
    try:
        return bool(boolean(value, strict=True))
    except TypeError:
        raise refuse(option, f"{value!r} is no boolean", "say true or false") from None


def _user(name: str | None) -> str:
    """The name or number of a user, empty for none."""
    if name is None:
        return ""
    if not name or re.search(r"[:,]", name) or _CONTROL.search(name):
        raise refuse("nsenter_user", f"{name!r} is no name of a user")
    return name
