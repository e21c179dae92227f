#!/usr/bin/python
# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ns_exec
short_description: Run a command inside Linux namespaces
description:
  - Runs a command inside existing namespaces, inside new ones that are made for it, or inside a mix of both, as
    C(nsenter) and C(unshare) do by hand.
  - Existing namespaces are entered first, then those in O(unshare) are made from there. A namespace that is made for
    the command ends with the last process in it.
  - One of O(cmd) and O(argv) is needed, and at least one of O(name), O(pid), O(handles) and O(unshare); the first three
    exclude each other.
  - The command never runs before its namespaces were compared with those that were asked for. A namespace that is
    named and can not be entered fails the task instead of letting it run on the host.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
extends_documentation_fragment:
  - linux.namespaces._attributes
  - linux.namespaces._target
  - linux.namespaces._definition
attributes:
  check_mode:
    support: partial
    details: As in M(ansible.builtin.command), only O(creates) and O(removes) tell whether the command would run. They
      are looked at inside.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: With O(creates) or O(removes).
requirements:
  - Python 3.8 or later and Linux 5.10 or later on the target, nothing else
options:
  cmd:
    description:
      - The command and its arguments in one string, split as a shell would do, without anything else that a shell does.
      - With O(shell) a line for the shell.
    type: str
  argv:
    description: The command and its arguments as a list.
    type: list
    elements: str
  shell:
    description: Let a shell run O(cmd).
    type: bool
    default: false
  executable:
    description: The shell to use with O(shell), as a path inside. By default V(/bin/sh).
    type: str
  unshare:
    description: Make new namespaces of these types for the command.
    type: list
    elements: str
    choices: [user, mnt, uts, ipc, net, cgroup, time, pid]
  name:
    description:
      - Enter the persistent namespaces of this name, a set as M(linux.namespaces.ns_persistent) makes it.
      - With C(*), C(?) or C([]) in it the command runs in every set that matches, one after the other, and RV(runs)
        says how it went in each. Where nothing matches the task is skipped.
    type: str
  etc_overlay:
    description:
      - Show the command the files in C(/etc/netns/<name>) in place of those in C(/etc), as C(ip netns exec) does. The
        command gets a private mount namespace for that.
      - Only with O(name), and not where a mount namespace is entered.
    type: bool
    default: false
  init:
    description:
      - With V(true) the command runs below a PID 1 that reaps orphans and passes signals on.
      - With V(false) the command is PID 1 itself; signals that it has no handler for do not reach it.
      - Only with V(pid) in O(unshare).
    type: bool
    default: false
  sysfs:
    description:
      - Show the entered or new network namespace in C(/sys), with the mounts below it (cgroups) kept. Unless
        O(unshare) has V(mnt), the command gets a private mount namespace for that.
      - Nothing is done where a mount namespace is entered, and where a network namespace is entered but a user
        namespace is new, which may not show one that it does not own. There C(/sys) goes on showing what it showed.
    type: bool
    default: true
  root:
    description:
      - A directory inside that becomes the root of the command.
      - With V(mnt) in O(unshare) nothing outside of it is left in the mount namespace; else it is a C(chroot).
      - In a PID namespace that is joined it does not hold user id 0, not even without O(capabilities), as
        C(/proc/PID/root) of other processes leads out. For that have V(pid) in O(unshare).
    type: str
  chdir:
    description: Change to this directory inside before running the command. By default that is where the task runs, or
      C(/) where a mount namespace or a O(root) is entered.
    type: str
  creates:
    description: A path or a glob inside; where something matches the command is not run.
    type: str
  removes:
    description: A path or a glob inside; where nothing matches the command is not run.
    type: str
  user:
    description:
      - Run the command as this user, a name or an id. Names are looked up in C(/etc/passwd) and C(/etc/group) inside.
      - Sets the group, the supplementary groups, and E(HOME), E(USER), E(LOGNAME) and E(SHELL) too.
    type: str
  group:
    description: Run the command with this primary group, a name or an id.
    type: str
  groups:
    description: Run the command with these supplementary groups alone, names or ids.
    type: list
    elements: str
  capabilities:
    description:
      - Cut all capability sets of the command to these, in either case, with or without C(cap_). They stay effective
        for other users than root too.
      - V([]) leaves none. If omitted, the command has what its user has.
    type: list
    elements: str
  no_new_privs:
    description: Let nothing that the command runs gain privileges.
    type: bool
    default: false
  stdin:
    description: What the command reads on its standard input. By default nothing.
    type: str
  stdin_add_newline:
    description: Whether to append a newline to O(stdin).
    type: bool
    default: true
  strip_empty_ends:
    description: Whether to strip empty lines from the end of the output.
    type: bool
    default: true
  timeout:
    description: End the command and everything that it started after this many seconds, decimal to the nanosecond.
    type: str
  max_output:
    description: How many bytes of each output stream to keep, in plain decimal digits. The rest is read and dropped,
      with a warning.
    type: str
    default: '10485760'
  clear_env:
    description: Start from an empty environment.
    type: bool
    default: false
  env:
    description: Environment variables of the command, as strings. They are applied last.
    type: dict
notes:
  - E(PYTHON*), E(LD_*) and E(ANSIBLE_*) of the task never reach the command; give them in O(env) if it needs them.
  - Without V(mnt) the command sees the files of the host, C(/etc/fstab), C(/etc/sysctl.conf) and the sockets of its
    services among them.
  - In a PID namespace that is joined, a process of this module, C(python -I -S -B -c ...), watches over the command.
  - A command that ends may leave a daemon behind, which goes on in the namespaces; one that is ended by O(timeout)
    leaves nothing.
  - A program of a container that is entered by O(pid) runs with the capabilities of the task, more than the container
    itself may have. Cut them with O(capabilities) where you do not trust it.
  - An option that is null counts as not given, as everywhere in Ansible, but beside one that excludes it; say C(omit)
    there. Name the O(types) where the value of O(pid) comes out of a variable.
seealso:
  - module: ansible.builtin.command
  - module: linux.namespaces.ns_persistent
"""

EXAMPLES = r"""
- name: See what a container's process sees
  linux.namespaces.ns_exec:
    pid: "{{ container_pid }}"
    types: [net]
    cmd: ss -ltn

- name: Run a program in a network namespace that somebody made
  linux.namespaces.ns_exec:
    handles:
      net: /run/netns/blue
    argv: [ip, -json, address]

- name: Look at the addresses in every tenant's namespace
  linux.namespaces.ns_exec:
    name: tenant-*
    types: [net]
    cmd: ip -brief address

- name: Have a small container for one command
  linux.namespaces.ns_exec:
    unshare: [user, mnt, uts, ipc, net, cgroup, time, pid]
    hostname: box
    uid_map: [{inside: 0, outside: 1000, count: 1}]
    gid_map: [{inside: 0, outside: 1000, count: 1}]
    time_offsets: {boottime: 86400}
    mounts: [{path: /tmp, fstype: tmpfs}]
    cmd: hostname; id; ps ax; uptime
    shell: true

- name: Build without network, as another user, for ten minutes at most
  linux.namespaces.ns_exec:
    unshare: [net]
    user: builder
    capabilities: []
    no_new_privs: true
    chdir: /srv/build
    cmd: make
    creates: /srv/build/out
    timeout: 600
"""

RETURN = r"""
cmd:
  description: The command that was run, as a list.
  returned: when the namespaces were entered
  type: list
  elements: str
  sample: [ip, link]
rc:
  description: The exit code of the command, or minus the number of the signal that ended it.
  returned: when the command ended, or did not have to run
  type: int
  sample: 0
stdout:
  description: What the command wrote to its standard output. Bytes that are not UTF-8 became U+FFFD.
  returned: when the namespaces were entered
  type: str
stderr:
  description: What the command wrote to its standard error.
  returned: when the namespaces were entered
  type: str
start:
  description: When the task began with it; null where it had not to run.
  returned: when the namespaces were entered
  type: str
  sample: '2026-01-01 12:00:00.000000'
end:
  description: When the command had ended; null where it had not to run.
  returned: when the namespaces were entered
  type: str
  sample: '2026-01-01 12:00:00.100000'
delta:
  description: How long it took; null where it had not to run.
  returned: when the namespaces were entered
  type: str
  sample: '0:00:00.100000'
runs:
  description: How it went in each set, where O(name) is a pattern; RV(stdout) and RV(stderr) have the lines of all sets
    with the name in front, and RV(rc) is the worst.
  returned: with a pattern
  type: list
  elements: dict
  contains:
    name:
      description: The name of the set.
      type: str
    rc:
      description: As RV(rc). Null where the command could not be started, or timed out.
      type: int
    stdout:
      description: As RV(stdout).
      type: str
    stderr:
      description: As RV(stderr).
      type: str
    namespaces:
      description: As RV(namespaces).
      type: dict
    msg:
      description: What failed.
      type: str
namespaces:
  description:
    - The namespaces that the command really was in, by type, of those that were entered or made. The mount namespace
      that O(sysfs) asks for is among them.
    - RV(namespaces.id) is the id that the kernel never uses again; it is null where the kernel gives none.
  returned: when they were entered
  type: dict
  sample: {net: {inode: 4026532177, id: 44}}
  contains:
    inode:
      description: Inode number, used again after the namespace ends.
      type: int
    id:
      description: 64-bit id.
      type: int
"""

import datetime as dt
import shlex
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._namespaces import payload

payload.start_quickly()

from ..module_utils._namespaces import command, host, launch, target
from ..module_utils._namespaces.definition import NOTHING_NEW
from ..module_utils._namespaces.errors import NamespaceError, refuse
from ..module_utils._namespaces.values import absolute_path, nanoseconds, plain_number
from ..module_utils._plugin import argspec, outcome

if t.TYPE_CHECKING:
    from ..module_utils._namespaces.credentials import Credentials
    from ..module_utils._namespaces.definition import Definition


def main() -> t.NoReturn:
    module = AnsibleModule(
        argument_spec={
            "cmd": {"type": "str"},
            "argv": {"type": "list", "elements": "str"},
            "shell": {"type": "bool", "default": False},
            "executable": {"type": "str"},
            "etc_overlay": {"type": "bool", "default": False},
            "unshare": {"type": "list", "elements": "str", "choices": argspec.TYPE_NAMES},
            "init": {"type": "bool", "default": False},
            "sysfs": {"type": "bool", "default": True},
            "root": {"type": "str"},
            "chdir": {"type": "str"},
            "creates": {"type": "str"},
            "removes": {"type": "str"},
            "user": {"type": "str"},
            "group": {"type": "str"},
            "groups": {"type": "list", "elements": "str"},
            "capabilities": {"type": "list", "elements": "str"},
            "no_new_privs": {"type": "bool", "default": False},
            "stdin": {"type": "str"},
            "stdin_add_newline": {"type": "bool", "default": True},
            "strip_empty_ends": {"type": "bool", "default": True},
            "timeout": {"type": "str"},
            "max_output": {"type": "str", "default": "10485760"},
            "clear_env": {"type": "bool", "default": False},
            "env": {"type": "dict"},
            **argspec.TARGET,
            **argspec.DEFINITION,
        },
        required_one_of=[("cmd", "argv"), ("name", "pid", "handles", "unshare")],
        mutually_exclusive=[("cmd", "argv"), ("name", "pid", "handles")],
        supports_check_mode=True,
    )
    outcome.finish(module, execute, free_text=("stdin",))


def execute(module: AnsibleModule) -> outcome.Result:
    """Run the command and say how it went, in the words of ansible.builtin.command."""
    params = module.params
    if all(params[name] is None for name in ("name", "pid", "handles")):
        for option in ("types", "expect"):
            if params[option] is not None:
                raise refuse(option, "it is about a target, and none is named", "use unshare for new namespaces")
    if params["etc_overlay"] and params["name"] is None:
        raise refuse("etc_overlay", "the files are those of a set, and none is named", "give name")
    wanted = _parse_command(params, probe=module.check_mode)
    new = _parse_definition(params)
    proc = host.open_proc()
    if params["name"] is None:
        with target.of(proc, params["pid"], params["handles"], params["types"], params["expect"]) as existing:
            return _run(module, proc, wanted, existing, new)
    from ..module_utils._namespaces import named  # noqa: PLC0415 - compiled anew for each task, and many need it not

    if not named.is_pattern(params["name"]):
        return _run_in_set(module, proc, wanted, new, params["name"])
    runs = {name: _run_in_any_set(module, proc, wanted, new, name) for name in named.matching(proc, params["name"])}
    return _combine(runs) if runs else {"skipped": True, "runs": [], "msg": f"no set is called {params['name']}"}


def _run_in_any_set(
    module: AnsibleModule, proc: int, wanted: launch.Command, new: Definition, name: str
) -> outcome.Result:
    """As in a single set, but the failure of one does not keep the command from the others."""
    try:
        return _run_in_set(module, proc, wanted, new, name)
    except NamespaceError as error:
        return {"failed": True, "changed": False, "msg": str(error), "stdout": "", "stderr": "", "namespaces": {}}


def _run_in_set(module: AnsibleModule, proc: int, wanted: launch.Command, new: Definition, name: str) -> outcome.Result:
    from ..module_utils._namespaces import cgroup, definition, named  # noqa: PLC0415 - as above

    handles = named.handles_of(proc, name, module.params["types"])
    if not handles:
        if module.check_mode:
            return {"skipped": True, "changed": False, "msg": f"there is no set {name} yet", "cmd": list(wanted.argv)}
        raise named.refuse_missing(name)
    with target.of(proc, None, handles, module.params["types"], module.params["expect"]) as existing:
        named.refuse_replaced(proc, name, module.params["types"], existing)
        if module.params["etc_overlay"]:
            mounts, missing = named.etc_overlay(name, existing)
            new = definition.overlaid(new, mounts)
            for path in missing:
                module.warn(f"the file of {name} for {path} is not shown: there is no {path} to mount it over")
        return _run(module, proc, wanted._replace(cgroup=cgroup.to_enter(proc, name, existing)), existing, new)


def _combine(runs: t.Mapping[str, outcome.Result]) -> outcome.Result:
    """The results of several sets as one."""
    keys = ("rc", "stdout", "stderr", "namespaces", "msg")
    failed = [name for name, result in runs.items() if result.get("failed")]
    codes = [result["rc"] for result in runs.values() if result.get("rc") is not None]
    combined: outcome.Result = {
        "changed": any(result["changed"] for result in runs.values()),
        "runs": [{"name": name, **{key: result.get(key) for key in keys}} for name, result in runs.items()],
        "rc": max(codes, key=abs, default=None),
        "msg": "",
    }
    for stream in ("stdout", "stderr"):
        lines = [f"{name} | {line}" for name, result in runs.items() for line in _lines(result.get(stream, ""))]
        combined[stream] = "\n".join(lines)
    if failed:
        first = failed[0]
        combined.update(failed=True, msg=f"failed in {len(failed)} of {len(runs)} sets: {first}: {runs[first]['msg']}")
    elif all(result.get("skipped") for result in runs.values()):
        combined["skipped"] = True
    return combined


def _lines(text: str) -> list[str]:
    """The lines of an output; nothing but a newline ends one."""
    return text.rstrip("\n").split("\n") if text else []


def _run(
    module: AnsibleModule, proc: int, wanted: launch.Command, existing: target.Target, new: Definition
) -> outcome.Result:
    params = module.params
    start = dt.datetime.now()
    done = command.run(proc, wanted, existing, new)
    end = dt.datetime.now()
    result: outcome.Result = {
        "changed": False,
        "cmd": list(wanted.argv),
        "namespaces": {kind.name: identity._asdict() for kind, identity in done.namespaces.items()},
        "stdout": _decode(module, "stdout", done.stdout),
        "stderr": _decode(module, "stderr", done.stderr),
        "start": None,
        "end": None,
        "delta": None,
        "msg": "",
    }
    if done.skipped:
        return {**result, **_describe_skip(module, done.skipped)}
    result.update(changed=True, start=str(start), end=str(end), delta=str(end - start))
    for name in done.cut:
        module.warn(f"{name} was longer than {params['max_output']} bytes and is cut")
    if done.timed_out:
        return {**result, "failed": True, "msg": f"the command timed out after {params['timeout']} seconds"}
    result["rc"] = done.code
    if done.code != 0:
        result.update(failed=True, msg="The command exited with a non-zero return code.")
    return result


def _parse_command(params: t.Mapping[str, t.Any], probe: bool) -> launch.Command:
    stdin = params["stdin"] or ""
    if params["stdin"] is not None and params["stdin_add_newline"]:
        stdin += "\n"
    for option in ("chdir", "root"):
        if params[option] is not None:
            absolute_path(option, params[option])
    return launch.Command(
        argv=_parse_argv(params),
        credentials=_parse_credentials(params),
        environment=_parse_environment(params["env"] or {}),
        clear_environment=params["clear_env"],
        stdin=stdin.encode("utf-8", "surrogateescape"),
        max_output=plain_number("max_output", params["max_output"]),
        chdir=params["chdir"],
        root=params["root"],
        creates=params["creates"],
        removes=params["removes"],
        timeout=_parse_timeout(params["timeout"]),
        init=params["init"],
        sysfs=params["sysfs"],
        probe=probe,
    )


def _parse_definition(params: t.Mapping[str, t.Any]) -> Definition:
    if params["unshare"] is None and all(params[option] is None for option in argspec.DEFINITION):
        return NOTHING_NEW
    from ..module_utils._namespaces import options  # noqa: PLC0415 - compiled anew for each task, and most need it not

    return options.parse(params["unshare"] or (), params)


def _parse_credentials(params: t.Mapping[str, t.Any]) -> Credentials | None:
    if not params["no_new_privs"] and all(params[name] is None for name in ("user", "group", "groups", "capabilities")):
        return None
    from ..module_utils._namespaces import credentials  # noqa: PLC0415 - as above

    return credentials.Credentials(
        user=params["user"],
        group=params["group"],
        groups=None if params["groups"] is None else tuple(params["groups"]),
        capabilities=credentials.parse_capabilities(params["capabilities"]),
        no_new_privs=params["no_new_privs"],
    )


def _parse_argv(params: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    if params["executable"] is not None and not params["shell"]:
        raise refuse("executable", "it names the shell, and shell is false", "say shell: true")
    if params["shell"]:
        if not params["cmd"]:
            raise refuse("shell", "a shell takes one line, and there is none", "use cmd")
        words = [params["executable"] or "/bin/sh", "-c", params["cmd"]]
    elif params["argv"] is not None:
        words = params["argv"]
    else:
        try:
            words = shlex.split(params["cmd"])
        except ValueError as error:
            raise refuse("cmd", f"it can't be split into words: {error}", "use argv") from error
    if not words or not words[0]:
        raise refuse("argv" if params["cmd"] is None else "cmd", "it names no command")
    return tuple(words)


def _parse_environment(given: t.Mapping[t.Any, t.Any]) -> dict[str, str]:
    for name, value in given.items():
        if not isinstance(name, str) or not name or "=" in name:
            raise refuse("env", f"{name!r} is no name of a variable")
        if not isinstance(value, str):
            raise refuse("env", f"the value of {name} is no string", "put it in quotes")
    return dict(given)


def _parse_timeout(given: str | None) -> float | None:
    if given is None:
        return None
    timeout = nanoseconds("timeout", given)
    if timeout <= 0:
        raise refuse("timeout", "it has to be more than 0 seconds")
    return timeout / 10**9


def _describe_skip(module: AnsibleModule, reason: str) -> outcome.Result:
    params = module.params
    if reason == "probe":
        known = params["creates"] is not None or params["removes"] is not None
        state = {"changed": True} if known else {"skipped": True}
        return {"rc": 0, "msg": "Command would have run if not in check mode", **state}
    auxiliary = "Would" if module.check_mode else "Did"
    what = "exists" if reason == "creates" else "does not exist"
    return {
        "rc": 0,
        "msg": f"{auxiliary} not run command since '{params[reason]}' {what}",
        "stdout": f"skipped, since {params[reason]} {what}",
    }


def _decode(module: AnsibleModule, name: str, content: bytes) -> str:
    if module.params["strip_empty_ends"]:
        content = content.rstrip(b"\r\n")
    try:
        return content.decode()
    except UnicodeDecodeError:
        module.warn(f"{name} has bytes that are not UTF-8; they became U+FFFD")
        return content.decode(errors="replace")


if __name__ == "__main__":
    main()
