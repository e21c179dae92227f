# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ns_persistent again and again, each time with another system call of one of its processes failing, or killing it.

    persistent_fault_runner.py TASK SHARD/SHARDS ONE_IN
    persistent_fault_runner.py race KIND MODULES

test_persistent_faults.py starts it as PID 1 of namespaces of its own and reads the JSON that it prints. One in so many
faults is injected; with 1 it is every one.

For each fault the sets are brought to where the task starts, the task meets the fault, and nobody may be able to enter
the half of a set. Then it runs once more without: now all has to be as it is without any fault. Check mode has to find
nothing more to do, and after state: absent the machine has to be as before.

As for fault_runner.py, the module runs in a fork of this program, and its processes are numbered as they are born.
Which calls they make says one run without a fault, in which strace(1) follows them all.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import importlib
import json
import mmap
import os
import random
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import traceback
import typing as t
import zlib
from pathlib import Path

from ansible_collections.linux.namespaces.plugins.module_utils._kernel import mountinfo, netdev, nsfs, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import named
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.modules import ns_persistent
from ansible_collections.linux.namespaces.tests.unit.fault_runner import (
    FAULTS,
    FIRST_OWN_CALL,
    KILL,
    RESULT,
    RUN_SECONDS,
    children,
    describe,
    index_of,
    namespaces,
    read_all,
    wait,
)

COLLECTION = "ansible_collections.linux.namespaces."
PLACES = "/run/places"
INHABITANT = ["sleep", "1000"]
MS_BIND, MS_REC, MS_PRIVATE, MS_SHARED = 0x1000, 0x4000, 0x40000, 0x100000
MNT_DETACH = 2
NSFS_MAGIC = 0x6E736673
SETTLE_SECONDS = 5

# Calls that change nothing outside of the process: to be killed there is to be killed at the next call, and it matters
# little with what they fail.
LOOKS = re.compile(
    r"(fstat|fstatfs|getdents64|newfstatat|read|readlink|readlinkat|recvfrom|recvmsg|statfs|uname|openat2)\(|"
    r"openat\((?!.*O_CREAT)"
)
# And what can't fail for any reason that a task meets, or is newer than strace, which takes calls by their names.
QUIET = re.compile(
    "access|brk|close|exit_group|futex|getcwd|gete?[ug]id|getp?pid|getsockname|gettid|lseek|madvise|mmap|mprotect|"
    "mremap|munmap|poll|readv|restart_syscall|rt_sig\\w+|fcntl|dup|umask|syscall_0x\\w+"
)
# What differs in such words alone is one call.
VARIABLE = re.compile(r"\b(0x[0-9a-f]+|\d+|CAP_\w+)\b|\s+= .*")
MOST_REPETITIONS = 3
# What a process calls when it is born: only its calls from there on are counted when it is held.
BIRTH = re.compile(r"sched_yield\(")
# Between a process and its child.
CHANNEL = ("recvmsg", "sendmsg", "shutdown", "wait4")
ADJUSTABLE = ("hostname", "loopback")

Options = t.Dict[str, t.Any]


class Task(t.NamedTuple):
    """What ns_persistent is to do."""

    options: Options
    before: Options = {}  # noqa: RUF012 - read only
    """What it did before that, if anything."""
    prepare: t.Callable[[], object] = lambda: None
    """What happens in between."""
    sees: tuple[str, ...] = ()
    """What has to be there afterwards, of what SetState tells."""
    away: bool = False
    """Whether the task's connection has a private mount namespace."""

    @property
    def names(self) -> list[str]:
        """The sets."""
        names: list[str] = self.options["name"]
        return names

    def path(self, name: str, kind: nstypes.NsType) -> str:
        """Where the handle is."""
        places: dict[str, str] = self.options.get("handles", {})
        return places.get(kind.name, f"/run/{kind.name}ns/{name}")


class Case(t.NamedTuple):
    """One fault: the nth time that this process makes this call."""

    process: int
    call: str
    occurrence: int
    fault: str


class Run(t.NamedTuple):
    """How a run went. The log is strace's."""

    status: int
    stdout: str
    stderr: str
    log: str
    hung: bool


class SetState(t.NamedTuple):
    """A set: which namespaces are at its handles, and all there is to tell about them that is not a number."""

    identities: dict[str, nsfs.Identity]
    told: tuple[str, ...]
    init: int | None


# ---- what there is to do

MAPS = [{"inside": "0", "outside": "100000", "count": "65536"}]


def damage_handle() -> None:
    """Of one set a handle has lost its namespace, of another it is mounted twice."""
    unmount("/run/utsns/one")
    mount("/run/netns/two", "/run/netns/two", flags=MS_BIND)


def pile_up() -> None:
    """The doubled mount is that of another namespace, and everybody enters the uppermost."""
    mount("/run/netns/two", "/run/netns/one", flags=MS_BIND)


def end_init() -> None:
    """The init of a set ends."""
    for pid in inits():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def inhabit() -> None:
    """Somebody is in a set, and if that has a pid namespace a child of theirs, which they do not reap."""
    names = [name for name in ("uts", "net", "pid") if os.path.exists(f"/run/{name}ns/one")]
    if os.fork() == 0:
        for name in names:
            with open(f"/run/{name}ns/one") as file:
                process.setns(file.fileno(), nstypes.BY_NAME[name].flag)
        if "pid" in names:
            os.fork()
        os.execvp("sleep", INHABITANT)
    wait_until(lambda: len(inhabitants()) == 1 + ("pid" in names))


def inhabitants() -> set[int]:
    return {pid for pid in processes() if arguments(pid) == INHABITANT}


def tasks(target: int) -> dict[str, Task]:
    """The tasks by name; the target is a process with namespaces of its own."""
    every = [kind.name for kind in nstypes.ALL]
    bulk = {"name": ["one", "two", "three"], "types": ["uts", "mnt", "net", "time"]}
    box = {"name": ["one"], "types": every, "hostname": "box", "uid_map": MAPS, "gid_map": MAPS}
    pair = {"name": ["one", "two"], "types": ["uts", "net"], "hostname": "box"}
    mixed = {"name": ["one", "two"], "types": ["uts", "net", "pid", "cgroup"]}
    tmpfs = [{"path": "/mnt", "fstype": "tmpfs"}]
    sees_box = ("hostname box", "loopback up", "uid_map 0 100000 65536", "init lives", "cgroup", "mount /mnt tmpfs")
    places = {kind: f"{PLACES}/{kind}" for kind in ("mnt", "uts")}
    return {
        "bulk": Task(
            {**bulk, "hostname": "box", "mounts": tmpfs, "time_offsets": {"boottime": "7"}},
            sees=("hostname box", "loopback up", "offset boottime 7", "mount /mnt tmpfs"),
        ),
        "box": Task({**box, "mounts": tmpfs, "time_offsets": {"boottime": "7"}}, sees=sees_box),
        "pair": Task(mixed, sees=("init lives", "cgroup")),
        "adopt": Task({"name": ["one"], "pid": str(target)}, sees=("hostname target",)),
        "places": Task({"name": ["one"], "handles": places}, prepare=lambda: os.mkdir(PLACES)),
        "away": Task({"name": ["one"], "types": ["uts", "mnt", "pid"]}, sees=("init lives",), away=True),
        "heal": Task(pair, before=pair, prepare=damage_handle, sees=("hostname box",)),
        "unpile": Task(pair, before=pair, prepare=pile_up, sees=("hostname box",)),
        "revive": Task({"name": ["one"]}, before=box, prepare=end_init, sees=("init lives", "hostname box")),
        "change": Task(
            {**pair, "types": ["uts", "net", "ipc"], "hostname": "other", "loopback": False},
            before=pair,
            sees=("hostname other", "loopback down"),
        ),
        "remove": Task({"name": ["one", "two"], "state": "absent"}, before=mixed),
        "part": Task({"name": ["one"], "state": "absent", "types": ["pid", "uts"]}, before=box),
        "kill": Task({"name": ["one", "two"], "state": "absent", "when_busy": "kill"}, before=mixed, prepare=inhabit),
        "detach": Task(
            {"name": ["one", "two"], "state": "absent", "when_busy": "detach"}, before=pair, prepare=inhabit
        ),
        "recreate": Task({**mixed, "recreate": True}, before=mixed, sees=("init lives",)),
    }


# ---- the place that this program has to itself


def mount(source: str, target: str, kind: str = "", flags: int = 0) -> None:
    libc_call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), None)


def unmount(target: str, flags: int = 0) -> None:
    libc_call("umount2", target.encode(), flags)


def libc_call(name: str, *arguments: t.Any) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        raise OSError(ctypes.get_errno(), f"{name}{arguments}")


def stay_on_one_processor() -> None:
    """Have a mount namespace that is older than those that are made from here on, also by its number.

    Linux 6.18 gives out the numbers in advance to each processor, and does not pin a mount namespace with a lower one.
    """
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, [processors[zlib.crc32(repr(sys.argv).encode()) % len(processors)]])
    process.unshare(nstypes.MNT.flag)


def own_run() -> None:
    """An empty /run, shared as systemd has it."""
    mount("tmpfs", "/run", "tmpfs")
    mount("", "/run", flags=MS_SHARED)


def own_cgroups(name: str) -> t.Callable[[], None]:
    """A version 2 hierarchy that begins at a cgroup of our own; returns what takes it away."""
    top = next(item.path for item in mounts() if item.fstype == "cgroup2")
    outside = os.open(top, os.O_PATH)
    os.mkdir(name, dir_fd=outside)
    enter_cgroup(outside, f"{name}/cgroup.procs")
    process.unshare(nstypes.CGROUP.flag)
    unmount(top, MNT_DETACH)
    mount("cgroup2", top, "cgroup2")

    def leave() -> None:
        enter_cgroup(outside, "cgroup.procs")
        os.rmdir(name, dir_fd=outside)

    return leave


def enter_cgroup(directory: int, path: str) -> None:
    fd = os.open(path, os.O_WRONLY, dir_fd=directory)
    os.write(fd, b"0")
    os.close(fd)


def cgroups() -> Path:
    """Where the hierarchy is mounted whose root is ours."""
    return Path([item.path for item in mounts() if item.fstype == "cgroup2"][-1])


def mounts() -> list[mountinfo.Mount]:
    fd = os.open("/proc", os.O_RDONLY)
    try:
        return mountinfo.read(fd)
    finally:
        os.close(fd)


KEPT: set[int] = set()
"""Processes that belong to this program."""


def processes() -> set[int]:
    """All others."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()} - KEPT


def arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []


def status_of(pid: int, field: str) -> list[str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1:] for line in lines if line.startswith(field + ":"))


def inits() -> dict[int, str]:
    """The inits that the module gives its sets, and those sets' names."""
    found = {}
    for pid in processes():
        words = arguments(pid)
        # The shell forks before its child becomes sleep.
        if words[-2:-1] in (["linux-namespaces"], ["linux-namespaces-init"]) and status_of(pid, "NSpid")[1:] == ["1"]:
            found[pid] = words[-1]
    return found


def settle() -> list[str]:
    """Wait for the end of all processes but the inits and who is in a set by intent; what does not end is listed.

    An init has started when it waits for its child, or has nothing open any more.
    """
    limit = time.monotonic() + SETTLE_SECONDS
    while True:
        reap()
        unknown = [pid for pid in processes() - inits().keys() if arguments(pid)[:1] != ["sleep"]]
        unknown += [pid for pid in inits() if not children(pid) and not has_nothing_open(pid)]
        if not unknown:
            return []
        if time.monotonic() > limit:
            left = [f"process {pid} {describe(pid)}" for pid in unknown]
            for pid in unknown:
                os.kill(pid, signal.SIGKILL)
            return left
        time.sleep(0.001)


def has_nothing_open(pid: int) -> bool:
    """As an init that is no shell, which has its script open before it starts its child."""
    directory = f"/proc/{pid}/fd"
    try:
        return arguments(pid)[0] != "sh" and {os.readlink(f"{directory}/{fd}") for fd in os.listdir(directory)} == {
            "/dev/null"
        }
    except (OSError, IndexError):
        return False


def reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def reap_but(module: int) -> None:
    """Be a PID 1: a pid namespace does not end before the last zombie in it is reaped."""
    for pid in children(os.getpid()) - {module}:
        os.waitpid(pid, os.WNOHANG)


def wait_until(true: t.Callable[[], bool]) -> None:
    limit = time.monotonic() + SETTLE_SECONDS
    while not true():
        if time.monotonic() > limit:
            raise SystemExit(f"waited in vain for {true}")
        time.sleep(0.001)


def machine() -> set[str]:
    """All that a run could leave, but for what ends just now."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    lines += [f"{name} {inode}" for name, inode in namespaces(os.getpid()).items()]
    lines += [f"file {path}" for path in Path("/run").rglob("*")]
    lines += [f"cgroup {path}" for path in cgroups().glob("**/")]
    lines += [f"device {name}" for name in os.listdir("/sys/class/net")]
    lines += [f"process {pid} {describe(pid)}" for pid in processes()]
    lines += [f"descriptor {fd}" for fd in os.listdir("/proc/self/fd")]
    return {*lines, f"host {os.uname()}", f"directory {os.getcwd()}", f"loopback {netdev.is_up('lo')}"}


def end_all() -> None:
    while left := processes():
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        reap()


def clear() -> None:
    """Take away what a run left, for the next one."""
    end_all()
    unmount("/run", MNT_DETACH)
    own_run()
    for path in sorted(cgroups().glob("**/"), reverse=True)[:-1]:
        os.rmdir(path)


# ---- what a set is, as the kernel says


def look(task: Task, name: str) -> SetState:
    identities: dict[str, nsfs.Identity] = {}
    told = []
    opened: dict[nstypes.NsType, int] = {}
    found = mounts()
    for kind in nstypes.ALL:
        path = task.path(name, kind)
        if not os.path.lexists(path):
            continue
        fd = os.open(path, os.O_RDONLY)
        if nsfs.filesystem_magic(fd) == NSFS_MAGIC:
            opened[kind] = fd
            identities[kind.name] = nsfs.identity(fd)
            count = sum(item.path == path for item in found)
            told.append(f"{nsfs.type_of(fd).name} at {path}, {count} times")
        else:
            os.close(fd)
            told.append(f"an empty file at {path}")
        told += [f"directory {line}" for line in look_at_directory(os.path.dirname(path))]
    init = None
    for pid, owner in inits().items():
        if owner == name:
            there = os.stat(f"/proc/{pid}/ns/pid").st_ino
            if "pid" in identities and there == identities["pid"].inode:
                init = pid
                told += look_at_init(pid, identities)
            else:
                told.append("an init without a handle")
    if (cgroups() / "linux-namespaces" / name).exists():
        told.append("cgroup")
    told += [f"remembered {link.name}" for link in sorted(Path("/run/linux-namespaces").glob(f"*:{name}"))]
    if opened:
        told += inside(opened)
    for fd in opened.values():
        os.close(fd)
    return SetState(identities, tuple(dict.fromkeys(told)), init)


def entered_by(name: str) -> set[str] | None:
    """The types of a set that who gives its name alone enters; None where it is refused, or not there."""
    proc = os.open("/proc", os.O_PATH)
    try:
        return set(named.handles_of(proc, name, None)) or None
    except NamespaceError:
        return None
    finally:
        os.close(proc)


def look_at_directory(path: str) -> t.Iterator[str]:
    yield f"{path} {stat.S_IMODE(os.stat(path).st_mode):o}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[4] == path:
            yield f"{path} mounted {'shared' if 'shared:' in line else 'private'}"


def look_at_init(pid: int, identities: dict[str, nsfs.Identity]) -> t.Iterator[str]:
    yield "init lives"
    theirs = namespaces(pid)
    for kind, identity in identities.items():
        if theirs[kind] != identity.inode:
            yield f"init is in another {kind} namespace"
    yield f"init in cgroup {Path(f'/proc/{pid}/cgroup').read_text().splitlines()[-1]}"
    yield f"init capabilities {status_of(pid, 'CapEff')} session {status_of(pid, 'NSsid')[-1]}"
    yield f"init has {[os.readlink(f'/proc/{pid}/fd/{fd}') for fd in sorted(os.listdir(f'/proc/{pid}/fd'))]}"


def inside(opened: dict[nstypes.NsType, int]) -> list[str]:
    """What a process sees that enters all of these namespaces but the pid namespace."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            proc = os.open("/proc", os.O_PATH)
            for kind in sorted(opened, key=lambda kind: kind is nstypes.USER):
                if kind is not nstypes.PID:
                    process.setns(opened[kind], kind.flag)
            os.write(writer, json.dumps(list(see(proc, opened))).encode())
        except BaseException as error:  # noqa: BLE001 - told by the parent
            os.write(writer, json.dumps([f"to look inside is {error!r}"]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    seen: list[str] = json.loads(read_all_of(reader))
    os.waitpid(pid, 0)
    return seen


def read_all_of(fd: int) -> bytes:
    with os.fdopen(fd, "rb") as file:
        return file.read()


def see(proc: int, joined: t.Container[nstypes.NsType]) -> t.Iterator[str]:
    def lines(name: str) -> list[list[str]]:
        with open(os.open(f"self/{name}", os.O_RDONLY, dir_fd=proc)) as file:
            return [line.split() for line in file]

    if nstypes.UTS in joined:
        yield f"hostname {os.uname().nodename}"
    if nstypes.NET in joined:
        yield f"loopback {'up' if netdev.is_up('lo') else 'down'}"
    if nstypes.TIME in joined:
        yield from (f"offset {clock} {seconds}" for clock, seconds, _rest in lines("timens_offsets"))
    if nstypes.USER in joined:
        yield from (f"{name} {' '.join(line)}" for name in ("uid_map", "gid_map") for line in lines(name))
    if nstypes.CGROUP in joined:
        yield f"cgroup is {lines('cgroup')[-1]}"
    if nstypes.MNT in joined:
        for fields in lines("mountinfo"):
            # What is below /run depends on which sets were there when this one was made.
            if not fields[4].startswith("/run"):
                flags = [field.partition(":")[0] for field in fields[6 : fields.index("-")]]
                yield f"mount {fields[4]} {fields[fields.index('-') + 1]} {','.join(flags)}".rstrip()


# ---- the module


class Runner:
    """Runs one task, with faults or without, and says what was wrong."""

    def __init__(self, task: Task, scratch: Path) -> None:
        self.task = task
        self.log = scratch / "log"
        self.reference: dict[str, SetState] = {}
        self.renewed: dict[str, set[str]] = {}
        self.tolerated: tuple[str, ...] = ()
        """What the module warned of, perhaps: that a cgroup is not made or removed, or a link left, is no failure."""

    def run(self, options: Options, held: int | None = None, *tracing: str, check: bool = False) -> Run:
        """Run the module; strace with these options holds that process from its birth."""
        content = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check}}).encode()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        stdin, stdout, stderr = (os.memfd_create(name) for name in ("stdin", "stdout", "stderr"))
        os.pwrite(stdin, content, 0)
        self.log.write_text("")
        module = os.fork()
        if module == 0:
            ours.close()
            be_the_module(theirs, held, (stdin, stdout, stderr), self.task.away)
        theirs.close()
        said = os.memfd_create("said")
        strace = ["-o", str(self.log), "-b", "execve", *tracing]
        hung = not wait(ours, module, lambda pid: hold(pid, said, strace), lambda: reap_but(module))
        ours.close()
        status = os.waitpid(module, 0)[1]
        os.close(stdin)
        os.close(said)
        return Run(status, read_all(stdout), read_all(stderr), self.log.read_text(), hung)

    def look(self) -> dict[str, SetState]:
        return {name: look(self.task, name) for name in self.task.names}

    def prepare(self) -> dict[str, SetState]:
        """Bring the sets to where the task starts."""
        if self.task.before:
            done = self.run(self.task.before)
            if done.status:
                raise SystemExit(f"before the task: {done}")
        self.task.prepare()
        settle()
        return self.look()

    def finish(self) -> list[str]:
        """Take all away."""
        for pid in inhabitants():
            os.kill(pid, signal.SIGKILL)
        places = {"handles": self.task.options["handles"]} if "handles" in self.task.options else {}
        # Who was adopted from goes on.
        when_busy = "detach" if "pid" in self.task.options else "fail"
        run = self.run({"name": self.task.names, "state": "absent", "when_busy": when_busy, **places})
        left = settle()
        if os.path.isdir(PLACES):
            os.rmdir(PLACES)
        return [*left, *(["state: absent failed: " + run.stdout + run.stderr] if run.status else [])]

    def refer(self) -> t.Iterator[Case]:
        """Every fault, from a run without one; it has to succeed, and what is there then is right for all."""
        before = machine()
        start = self.prepare()
        for file in self.log.parent.glob("log.*"):
            file.unlink()
        run = self.run(self.task.options, 0, "-ff")
        wrong = [*([f"it hung or failed: {run}"] if run.status or run.hung else []), *settle()]
        self.reference = self.look()
        self.renewed = {name: renewed(start[name], self.reference[name]) for name in self.task.names}
        told = {line for state in self.reference.values() for line in state.told}
        wrong += [f"it lacks {line}: {told}" for line in self.task.sees if line not in told]
        wrong += self.judge_report(json.loads(run.stdout or "{}"), start, self.reference)
        wrong += self.finish()
        wrong += [f"the machine changed: {line}" for line in sorted(before ^ machine())]
        if wrong:
            raise SystemExit(f"without a fault: {wrong}")
        logs = sorted(self.log.parent.glob("log.*"), key=lambda path: int(path.suffix[1:]))
        for number, path in enumerate(logs):
            log = path.read_text().splitlines()
            # The module itself is held at its birth.
            first = index_of(log, BIRTH) + 1 if number else index_of(log, FIRST_OWN_CALL)
            yield from cases_of(number, log, first, len(log) if number else index_of(log, RESULT))

    def check(self, case: Case) -> tuple[bool, list[str]]:
        """Whether the fault was injected at all, and what was wrong afterwards."""
        before = machine()
        start = self.prepare()
        inject = ("-e", f"trace={case.call}", "-e", f"inject={case.call}:{case.fault}:when={case.occurrence}")
        run = self.run(self.task.options, case.process, *inject)
        wrong = [f"left: {line}" for line in settle()]
        middle = self.look()
        wrong += self.judge_entry(start)
        self.tolerated = ("cgroup", "remembered") if '"warnings"' in run.stdout else ()
        hit = "(INJECTED)" in run.log or "killed by SIGKILL" in run.log
        wrong += self.judge(run, case, start, middle)
        again = self.run(self.task.options)
        self.tolerated = self.tolerated[:1]
        wrong += [f"left by the next run: {line}" for line in settle()]
        end = self.look()
        wrong += [f"next run: {line}" for line in self.judge_next(again, start, middle, end)]
        if not self.task.options.get("recreate"):
            once_more = self.run(self.task.options, check=True)
            if once_more.status or json.loads(once_more.stdout)["changed"]:
                wrong.append(f"check mode after the next run: {once_more.stdout}")
        wrong += self.finish()
        changed = sorted(before ^ machine())
        wrong += [f"the machine changed: {changed}"] if changed else []
        if wrong:
            clear()
        return hit, [f"{case}: {line}" for line in wrong] + ([f"... {case}: {run.stdout.strip()}"] if wrong else [])

    def judge(self, run: Run, case: Case, start: dict[str, SetState], middle: dict[str, SetState]) -> list[str]:
        """What is wrong after a run that met this fault."""
        if run.hung:
            return [f"it did not end within {RUN_SECONDS} seconds"]
        if self.task.away and case.process == 1 and case.fault == KILL:
            # It does all the work, for the task has no view of the host.
            return []
        if os.WIFSIGNALED(run.status):
            return [f"the module died: {run.status}"] if case.process > 0 or case.fault != KILL else []
        wrong = [f"stderr has {run.stderr}"] if run.stderr else []
        try:
            result = json.loads(run.stdout)
        except ValueError:
            return [*wrong, f"the result is no JSON: {run.stdout}"]
        if not result.get("failed"):
            wrong += self.judge_report(result, start, middle)
            return [*wrong, *self.judge_sets(start, middle)]
        for name, state in middle.items():
            tolerated = case.fault == KILL or case.call in CHANNEL
            old, new = (without_adjustable(one) if tolerated else one for one in (start[name], state))
            if old != new and self.judge_set(name, start, state):
                wrong.append(f"{name} failed and is {difference(start[name], state)}")
        done = [item["name"] for item in result.get("sets", ())]
        wrong += [line for name in done for line in self.judge_set(name, start, middle[name])]
        return [*wrong, *judge_messages(result, case)]

    def judge_entry(self, start: dict[str, SetState]) -> t.Iterator[str]:
        """Nobody enters a part of a set: what is done there would be done on the host for the rest."""
        for name in self.task.names:
            whole = [set(states[name].identities) for states in (start, self.reference)]
            types = entered_by(name)
            if types is not None and types not in whole:
                yield f"{name} is entered by {sorted(types)} alone"

    def judge_next(self, run: Run, *states: dict[str, SetState]) -> list[str]:
        """What is wrong after the run that has to repair it all."""
        start, middle, end = states
        if run.status or run.hung or run.stderr:
            return [f"it failed: {run.stdout} {run.stderr}"]
        return [*self.judge_sets(start, end), *self.judge_report(json.loads(run.stdout), middle, end)]

    def judge_sets(self, start: dict[str, SetState], end: dict[str, SetState]) -> list[str]:
        return [line for name, state in end.items() for line in self.judge_set(name, start, state)]

    def judge_set(self, name: str, start: dict[str, SetState], state: SetState) -> list[str]:
        """In what a set differs from what is asked: what it is like, and which namespaces are others than before."""
        expected = self.reference[name]
        wrong = []
        expected, state = (
            one._replace(told=tuple(line for line in one.told if not any(word in line for word in self.tolerated)))
            for one in (expected, state)
        )
        if state.told != expected.told:
            wrong.append(f"{name} is {difference(expected, state)}")
        if (new := renewed(start[name], state)) != self.renewed[name]:
            wrong.append(
                f"{name}: the namespaces {sorted(new)} are others than before, not {sorted(self.renewed[name])}"
            )
        return wrong

    def judge_report(
        self, result: dict[str, t.Any], before: dict[str, SetState], after: dict[str, SetState]
    ) -> t.Iterator[str]:
        """What the result of a run that succeeded says and is not so."""
        if [item["name"] for item in result.get("sets", ())] != self.task.names or result["failed_sets"]:
            yield f"its result lists other sets: {result}"
            return
        if result["changed"] != (before != after):
            yield f"changed is {result['changed']}"
        for item in result["sets"]:
            old, new = before[item["name"]], after[item["name"]]
            if bool(item["changes"]) != (old != new):
                yield f"{item['name']} has the changes {item['changes']}"
            said = {kind: (about["inode"], about["id"], about["created"]) for kind, about in item["types"].items()}
            found = {kind: (*number, number != old.identities.get(kind)) for kind, number in new.identities.items()}
            if said != found:
                yield f"{item['name']} has {found}, and the result says {said}"
            held = {holder.get("pid") for found in item["still_held_by"].values() for holder in found}
            if held - inhabitants() or (held and new.identities):
                yield f"{item['name']} is said to be held by {item['still_held_by']}"
            if item["init_pid"] != new.init:
                yield f"{item['name']} has the init {new.init}, and the result says {item['init_pid']}"


def judge_messages(result: dict[str, t.Any], case: Case) -> t.Iterator[str]:
    """There is one line for each failure, that says what was not possible and what the kernel answered."""
    message = str(result.get("msg"))
    failed = [item["msg"] for item in result.get("failed_sets", ())]
    if failed:
        listed = len(failed) + len(result["sets"])
        if message != f"{len(failed)} of {listed} sets failed: {failed[0]}":
            yield "the message is not that of the first set"
    else:
        failed = [message]
    # Whether somebody is in the way, or something is there, can't always be said; a report may not arrive.
    silent = case.fault == KILL or case.call in ("sendto", "sendmsg", "newfstatat")
    name = "" if silent else f" {case.fault.rpartition('=')[2]} ("
    for text in failed:
        if "exception" in result or "Traceback" in text or "\n" in text:
            yield "the message is none for people"
        if not text.startswith("cannot ") or (name not in text and "processes are in it" not in text):
            yield f"the message lacks the operation or the errno: {text}"


def renewed(old: SetState, new: SetState) -> set[str]:
    """The types of which the set has another namespace than before, or one and had none, or none and had one."""
    return {kind.name for kind in nstypes.ALL if old.identities.get(kind.name) != new.identities.get(kind.name)}


def without_adjustable(state: SetState) -> SetState:
    """But for what a child changes inside, and then may not be able to tell or to take back."""
    return state._replace(told=tuple(line for line in state.told if not line.startswith(ADJUSTABLE)))


def difference(expected: SetState, actual: SetState) -> str:
    lines = [f"- {line}" for line in expected.told if line not in actual.told]
    lines += [f"+ {line}" for line in actual.told if line not in expected.told]
    return f"{lines} {sorted(renewed(expected, actual))}"


def cases_of(number: int, log: list[str], first: int, last: int) -> t.Iterator[Case]:
    """Every fault for one process that made these calls, between the first and the last that count."""
    counts: collections.Counter[str] = collections.Counter()
    for place, line in enumerate(log[:last]):
        call = line.partition("(")[0]
        # Those of a child before it told of its birth are not its own to count.
        counts[call] += number == 0 or place >= first
        if place < first or not call.isidentifier() or QUIET.fullmatch(call):
            continue
        alike = VARIABLE.sub("", line)
        counts[alike] += 1
        if counts[alike] <= MOST_REPETITIONS:
            faults = [FAULTS[1 + place % 3]] if LOOKS.match(line) else FAULTS
            yield from (Case(number, call, counts[call], fault) for fault in faults)


def be_the_module(gate: socket.socket, held: int | None, streams: t.Sequence[int], away: bool) -> t.NoReturn:
    """Be a task's process. Each of its processes tells of its birth, and the one of this number waits to be held."""
    births = mmap.mmap(-1, 1)
    upcoming = 0

    def count() -> None:
        nonlocal upcoming
        births[0] += 1
        upcoming = births[0]

    def born() -> None:
        os.sched_yield()
        if upcoming == held:
            gate.send(b"?")
            os.readv(gate.fileno(), [bytearray(1)])

    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    os.umask(0o077)
    if away:
        process.unshare(nstypes.MNT.flag)
        mount("", "/", flags=MS_REC | MS_PRIVATE)
    os.register_at_fork(before=count, after_in_child=born)
    sys.argv = ["ns_persistent"]
    born()
    code: t.Any = 1
    try:
        ns_persistent.main()
    except SystemExit as end:
        code = end.code
    except Exception:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code or 0)


def hold(pid: int, said: int, options: t.Sequence[str]) -> None:
    """Start strace and wait until it holds the process. It ends with that process, and with those that it follows.

    What it says goes to a file: at a pipe that nobody reads it would end when it follows a child.
    """
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, said, 2)]
    os.posix_spawnp("strace", ["strace", "-p", str(pid), *options], os.environ, file_actions=actions)
    os.close(null)
    wait_until(lambda: b"attached" in os.pread(said, 4096, 0))


# ---- many at once


def race(kind: str, count: int) -> list[str]:
    """Many modules at once; what was wrong."""
    before = machine()
    chance = random.Random(kind)
    names = [f"set{number}" for number in range(1 if kind == "one" else 8)]
    asked: list[Options] = []
    for number in range(count):
        some = chance.sample(names, min(4, len(names)))
        if kind == "mixed" and number % 2:
            asked.append({"name": some, "state": "absent", "when_busy": chance.choice(["fail", "kill"])})
        else:
            types = ["uts", "net", "pid"] if kind == "mixed" else ["uts", "ipc", "net", "mnt"]
            asked.append({"name": some, "types": types, "recreate": kind == "mixed" and number % 10 == 0})
    results, wrong = at_once(asked)
    task = Task({"name": names})
    if kind == "mixed":
        (last,), more = at_once([{"name": names, "types": ["uts", "net", "pid"]}])
        wrong += more
        results = [last]
    for name in names:
        state = look(task, name)
        wrong += [f"{name} {line}" for line in state.told if "empty" in line or "without" in line]
        wrong += [f"{name} {line}" for line in state.told if " times" in line and not line.endswith(" 1 times")]
        said = [item["types"] for result in results for item in result["sets"] if item["name"] == name]
        for type_name, identity in state.identities.items():
            seen = {(types[type_name]["inode"], types[type_name]["id"]) for types in said}
            if seen != {tuple(identity)}:
                wrong.append(f"{name} has {type_name} {identity}, and was said to have {seen}")
            created = sum(types[type_name]["created"] for types in said)
            if kind != "mixed" and created != 1:
                wrong.append(f"{name} {type_name} was created {created} times")
        if not state.identities:
            wrong.append(f"{name} is not there")
    if len(inits()) != (len(names) if kind == "mixed" else 0):
        wrong.append(f"inits: {inits()}")
    wrong += at_once([{"name": names, "state": "absent"} for _time in range(3)])[1]
    wrong += settle()
    return wrong + [f"the machine changed: {line}" for line in sorted(before ^ machine())]


def at_once(asked: t.Sequence[Options]) -> tuple[list[dict[str, t.Any]], list[str]]:
    """Run a module for each, all at the same time; the results of those that succeeded, and what was wrong."""
    ready, go = os.pipe()
    modules = []
    for options in asked:
        stdin, stdout, stderr = (os.memfd_create(name) for name in ("stdin", "stdout", "stderr"))
        os.pwrite(stdin, json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode(), 0)
        pid = os.fork()
        if pid == 0:
            os.close(go)
            os.read(ready, 1)
            gate = socket.socket(socket.AF_UNIX)
            be_the_module(gate, None, (stdin, stdout, stderr), away=False)
        os.close(stdin)
        modules.append((pid, stdout, stderr))
    os.close(go)
    os.close(ready)
    results, wrong = [], []
    for pid, stdout, stderr in modules:
        status = os.waitpid(pid, 0)[1]
        out, err = read_all(stdout), read_all(stderr)
        if status or err:
            wrong.append(f"a module failed: {status} {out} {err}")
        else:
            results.append(json.loads(out))
    return results, wrong


# ---- this program


def start_target() -> int:
    """A process with namespaces of its own, and no child."""
    theirs = "--uts --net --ipc --mount"
    pid = subprocess.Popen(["unshare", *theirs.split(), "sh", "-c", "hostname target; exec sleep 1001"]).pid
    wait_until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")
    return pid


def import_all() -> None:
    """Or a run would import what it needs at a place of its own."""
    folder = Path(ns_persistent.__file__).parents[1]
    for path in sorted((folder / "module_utils").rglob("*.py")):
        words = path.relative_to(folder).with_suffix("").parts
        if words[-1] != "__init__":
            importlib.import_module(COLLECTION + "plugins." + ".".join(words))
    # What it imports to write its result.
    importlib.import_module("ansible.module_utils._internal._json._profiles._module_legacy_m2c")


def inject(name: str, one_in: int, number: int, shards: int) -> dict[str, t.Any]:
    target = start_target()
    KEPT.add(target)
    task = tasks(target)[name]
    with tempfile.TemporaryDirectory() as scratch:
        runner = Runner(task, Path(scratch))
        # By content and not by place: two runs without faults may differ by a call.
        keys = {case: zlib.crc32(repr(case).encode()) for case in runner.refer()}
        chosen = [case for case, key in keys.items() if key % (one_in * shards) == number]
        checked = [runner.check(case) for case in chosen]
    wrong = [line for _hit, lines in checked for line in lines]
    return {"cases": len(checked), "hits": sum(hit for hit, _lines in checked), "wrong": wrong}


def main() -> None:
    import_all()
    stay_on_one_processor()
    own_run()
    leave = own_cgroups(f"linux-namespaces-tests-{'-'.join(sys.argv[1:]).replace('/', '-')}")
    os.chdir("/")
    try:
        if sys.argv[1] == "race":
            answer = {"wrong": race(sys.argv[2], int(sys.argv[3]))}
        else:
            number, shards = map(int, sys.argv[2].split("/"))
            answer = inject(sys.argv[1], int(sys.argv[3]), number, shards)
    finally:
        KEPT.clear()
        clear()
        leave()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
