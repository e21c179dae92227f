# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ns_exec again and again, each time with another system call of one of its processes failing, or killing it.

    fault_runner.py TASK ONE_IN SHARD/SHARDS

test_faults.py starts it and reads the JSON that it prints: how many faults were injected, and what was wrong then.

The module runs in a fork of this program, so that a run costs no interpreter. Its processes are numbered as they are
born: 0 is the module, 1 its first child and so on. A process that is to fail is stopped at birth, by what Python lets a
program register for its forks, until strace(1) holds it: only its own calls are counted, so that each call of each
process gets its turn. Which calls there are says a run without faults. This program is the subreaper of all that it
starts; when it has no child left, no process of the run is left, not even a zombie.
"""

from __future__ import annotations

import collections
import ctypes
import json
import mmap
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import typing as t
import zlib
from pathlib import Path

from ansible_collections.linux.namespaces.plugins.modules import ns_exec

PR_SET_CHILD_SUBREAPER = 36
TYPES = ("user", "mnt", "uts", "ipc", "net", "cgroup", "time", "pid")
MOST_PROCESSES = 8
RUN_SECONDS = 8
# The end of a command that timed out asks for every process of the machine.
MOST_REPETITIONS = 60
KILL = "signal=SIGKILL"
FAULTS = (KILL, "error=ENOSPC", "error=EPERM", "error=ENOSYS")

# Calls that change nothing outside of the process, so that a fault there is one at the next call.
QUIET = re.compile(
    "access|brk|close|exit_group|fstat|futex|getcwd|gete?[ug]id|getp?pid|getsockname|gettid|lseek|madvise|mmap|mprotect|"
    "mremap|munmap|newfstatat|poll|read|restart_syscall|rt_sigaction|rt_sigreturn|statfs|uname"
)
# What comes before the module's own work: Ansible reads the options and writes to syslog.
FIRST_OWN_CALL = re.compile(r'openat\(AT_FDCWD, "/proc", ')
# From here on the command may run.
GO = re.compile(r'^sendto\(\d+, "!", 1, .* = 1$', re.MULTILINE)
# What comes after it all: Ansible writes the result.
RESULT = re.compile(r"write\(1, ")

# What the command sees, written to a file that its caller never touches.
WITNESS = """
exec 9>>"$1"
if [ -n "$3" ]; then setsid sleep 100 & sleep 100 & fi
readlink /proc/self/ns/user /proc/self/ns/mnt /proc/self/ns/uts /proc/self/ns/ipc /proc/self/ns/net \
    /proc/self/ns/cgroup /proc/self/ns/time /proc/self/ns/pid >&9
while read -r key value; do
    case $key in Uid:|Gid:|Groups:|CapEff:|CapBnd:|NoNewPrivs:) echo "$key $value" ;; esac
done </proc/self/status >&9
for file in /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups /proc/self/timens_offsets \
    /proc/sys/kernel/hostname /proc/sys/kernel/domainname /sys/class/net/lo/flags; do
    while read -r line; do echo "$file $line"; done <$file
done >&9
echo "directory $PWD" >&9
[ ! -e "$2/file" ] || echo the mount is missing >&9
echo end >&9
wait
"""


class Task(t.NamedTuple):
    """What ns_exec is to do, where the command has to be and what it sees there, and whether a timeout ends it."""

    options: dict[str, t.Any]
    created: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    times_out: bool = False


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
    witness: list[str]
    left: list[str]


def tasks(target: int, hidden: Path) -> dict[str, Task]:
    """The tasks by name; hidden is a directory to mount over."""
    own = [{"inside": 0, "outside": 0, "count": 1}]
    ids = [{"inside": 0, "outside": 1000, "count": 1}, {"inside": 7, "outside": 2000, "count": 50}]
    return {
        "all": Task(
            {
                "unshare": list(TYPES),
                "hostname": "box",
                "domainname": "boxes",
                "uid_map": ids,
                "gid_map": ids,
                "time_offsets": {"monotonic": "5.5", "boottime": "-1"},
                "mounts": [
                    {"path": str(hidden), "fstype": "tmpfs"},
                    {"path": "/mnt", "src": str(hidden.parent), "opts": "rbind,ro"},
                ],
                "root": "/",
                "propagation": "unbindable",
            },
            created=TYPES,
            sees=("/proc/sys/kernel/hostname box", "/sys/class/net/lo/flags 0x9", "end"),
        ),
        "joined": Task({"pid": str(target), "types": ["user", "pid"]}, joined=("user", "pid")),
        # What starts anew as a sealed copy of the interpreter is out of reach from there on.
        "sealed": Task({"pid": str(target)}, joined=("user", "mnt", "pid")),
        "nested": Task(
            {"pid": str(target), "unshare": ["user", "uts"], "uid_map": own, "gid_map": own, "hostname": "box"},
            created=("user", "uts"),
            joined=("mnt", "pid"),
            sees=("/proc/sys/kernel/hostname box", "end"),
        ),
        "net": Task(
            {
                "unshare": ["net"],
                "user": "1000",
                "group": "1000",
                "groups": ["7"],
                "capabilities": ["net_admin", "dac_override"],
                "no_new_privs": True,
            },
            created=("net", "mnt"),
            sees=("CapEff: 0000000000001002", "NoNewPrivs: 1", "end"),
        ),
        "init": Task({"unshare": ["pid", "uts"], "init": True}, created=("pid", "uts")),
        "timeout": Task({"unshare": ["uts"], "timeout": "0.1"}, created=("uts",), times_out=True),
    }


class Runner:
    """Runs one task, with faults or without, and says what was wrong."""

    def __init__(self, task: Task, target: int, scratch: Path) -> None:
        self.task = task
        self.scratch = scratch
        self.witness = scratch / "witness"
        self.log = scratch / "log"
        (scratch / "command").write_text(WITNESS)
        words = ("command", "witness", "hidden")
        command = ["/bin/sh", *(str(scratch / word) for word in words), "sleep" if task.times_out else ""]
        options = {"argv": command, **task.options}
        self.arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        self.ours = namespaces(os.getpid())
        self.target = target
        self.kept = children(os.getpid())
        self.expected: list[str] = []

    def run(self, process: int = MOST_PROCESSES, options: t.Sequence[str] = ()) -> Run:
        """Run the module; strace with these options holds that process from its birth."""
        self.witness.write_text("")
        self.witness.chmod(0o666)
        self.log.write_text("")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        stdin, stdout, stderr = (os.memfd_create(name) for name in ("stdin", "stdout", "stderr"))
        os.pwrite(stdin, self.arguments, 0)
        module = os.fork()
        if module == 0:
            ours.close()
            be_the_module(theirs, process, (stdin, stdout, stderr))
        theirs.close()
        hung = not wait(ours, module, ["-o", str(self.log), "-b", "execve", *options])
        ours.close()
        status = os.waitpid(module, 0)[1]
        left = self.reap(0.5 if status == signal.SIGKILL and self.task.times_out else 5)
        if hung:
            left = [f"the module, which did not end within {RUN_SECONDS} seconds"]
        os.close(stdin)
        witness = self.witness.read_text().splitlines()
        return Run(status, read_all(stdout), read_all(stderr), self.log.read_text(), witness, left)

    def reap(self, seconds: float) -> list[str]:
        """Wait for all that the run started; what does not end by itself is ended and listed."""
        limit = time.monotonic() + seconds
        while self.started():
            if time.monotonic() > limit:
                left = [f"process {pid} {describe(pid)}" for pid in sorted(self.started())]
                while running := self.started():
                    for pid in running:
                        os.kill(pid, signal.SIGKILL)
                return left
            time.sleep(0.001)
        return []

    def started(self) -> set[int]:
        """What runs or waits to be reaped, after reaping: our children, and those that the target's PID 1 adopted."""
        for pid in children(os.getpid()) - self.kept:
            os.waitpid(pid, os.WNOHANG)
        return (children(os.getpid()) - self.kept) | children(self.target)

    def cases(self) -> t.Iterator[Case]:
        """Every fault, from runs without one; these have to succeed, and what they witness is right for all."""
        for process in range(MOST_PROCESSES):
            run = self.run(process)
            if not run.log:
                return
            self.expected = self.expected or run.witness
            wrong = self.judge(run, Case(process, "", 0, ""))
            if wrong or not {*self.task.sees} <= {*run.witness}:
                raise SystemExit(f"without a fault: {wrong} {run}")
            yield from self.cases_of(process, run.log.splitlines())

    def cases_of(self, process: int, log: list[str]) -> t.Iterator[Case]:
        """Every fault for one process that made these calls."""
        first, last = 0, len(log)
        if process == 0:
            first, last = (
                min(number for number, line in enumerate(log) if words.match(line))
                for words in (FIRST_OWN_CALL, RESULT)
            )
        counts: collections.Counter[str] = collections.Counter()
        for number, line in enumerate(log[:last]):
            call = line.partition("(")[0]
            counts[call] += 1
            interesting = number >= first and call.isidentifier() and not QUIET.fullmatch(call)
            if interesting and counts[call] <= MOST_REPETITIONS:
                yield from (Case(process, call, counts[call], fault) for fault in FAULTS)

    def check(self, case: Case) -> tuple[bool, list[str]]:
        """Whether the fault was injected at all, and what was wrong afterwards."""
        before = self.machine()
        run = self.run(
            case.process,
            ["-e", f"trace=sendto,{case.call}", "-e", f"inject={case.call}:{case.fault}:when={case.occurrence}"],
        )
        after = self.machine()
        hit = "(INJECTED)" in run.log or "killed by SIGKILL" in run.log
        wrong = self.judge(run, case)
        wrong += [f"the machine changed: {line}" for line in sorted(before ^ after)]
        return hit, [f"{case}: {line}; {run.stdout.strip()}" for line in wrong]

    def machine(self) -> set[str]:
        """What a run could leave on this machine besides processes."""
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        lines += [f"{name} {inode}" for name, inode in namespaces(os.getpid()).items()]
        lines += [f"file {path}" for path in self.scratch.rglob("*")]
        lines += [f"device {name}" for name in os.listdir("/sys/class/net")]
        return {*lines, f"host {os.uname()}", f"directory {os.getcwd()}"}

    def judge(self, run: Run, case: Case) -> list[str]:
        """What is wrong with a run that met this fault."""
        killed = os.WIFSIGNALED(run.status)
        released = bool(run.witness)
        if "which did not end" in "".join(run.left):
            return run.left
        wrong = self.judge_witness(run, case)
        if not (self.task.times_out and killed and case.process == 0 and released):
            # Nobody is there to end the command in time when the module itself was killed: it goes on as a daemon.
            wrong += [f"left: {line}" for line in run.left]
        if killed:
            if case.process > 0 or case.fault != KILL:
                wrong.append(f"the module died: {run.status}")
            elif released and not GO.search(run.log):
                wrong.append("the command ran, and its parent had died before that")
            return wrong
        if run.stderr:
            wrong.append(f"stderr has {run.stderr}")
        try:
            result = json.loads(run.stdout)
        except ValueError:
            return [*wrong, "the result is no JSON"]
        return wrong + self.judge_result(result, run, case)

    def judge_witness(self, run: Run, case: Case) -> list[str]:
        """The command may not have run, or not to its end; but never elsewhere, or in what is set up by half."""
        witness = run.witness
        wrong = []
        theirs = namespaces(self.target)
        for kind, line in zip(TYPES, witness, strict=False):
            inode = inode_of(line)
            if kind in self.task.created:
                right = inode != self.ours[kind]
            else:
                right = inode == (theirs if kind in self.task.joined else self.ours)[kind]
            if not right:
                wrong.append(f"the command ran in another {kind} namespace: {line}")
        # It may start in / where it can't start where the task is.
        loose = case.call == "chdir"
        seen, expected = (
            [line for line in lines[len(TYPES) :] if not (loose and line.startswith("directory "))]
            for lines in (witness, self.expected)
        )
        if seen != expected[: len(seen)]:
            wrong.append(f"the command saw {seen} and not {expected}")
        return wrong

    def judge_result(self, result: dict[str, t.Any], run: Run, case: Case) -> list[str]:
        """Either all was right, or there is one message that says what was not."""
        message = str(result.get("msg"))
        if self.task.times_out and "timed out" in message:
            return ["it has an rc"] if "rc" in result else []
        if not result.get("failed"):
            inodes = {kind: entry["inode"] for kind, entry in result["namespaces"].items()}
            seen = {kind: inode_of(line) for kind, line in zip(TYPES, run.witness, strict=False)}
            if run.witness[-1:] != ["end"]:
                return ["it succeeded, and the command did not run to its end"]
            named = {*self.task.created, *self.task.joined}
            right = inodes == {kind: inode for kind, inode in seen.items() if kind in named} and result["rc"] == 0
            return [] if right else ["it succeeded, and the result is not what happened"]
        if case.call == "execve" and case.fault == KILL:
            # It is the command's process already; nobody can tell the two apart.
            return [] if result.get("rc") == -signal.SIGKILL else ["the rc is not the signal"]
        wrong = []
        if case.process == 0 and run.witness and not GO.search(run.log):
            wrong.append("the command ran without the word of its parent")
        if "exception" in result or "Traceback" in message or "\n" in message:
            wrong.append("the message is none for people")
        if "rc" in result:
            wrong.append("it has an rc")
        # A process whose report could not be sent has no other way to say why.
        name = "" if case.fault == KILL or case.call == "sendto" else f" {case.fault.rpartition('=')[2]} ("
        if not message.startswith("cannot ") or name not in message:
            wrong.append("the message lacks the operation or the errno")
        return wrong


def be_the_module(gate: socket.socket, process: int, streams: t.Sequence[int]) -> t.NoReturn:
    """Be a task's process; the one of its processes that has this number waits to be held."""
    births = mmap.mmap(-1, 1)
    upcoming = 0

    def count() -> None:
        nonlocal upcoming
        births[0] += 1
        upcoming = births[0]

    def born() -> None:
        if upcoming == process:
            gate.send(b"?")
            os.read(gate.fileno(), 1)

    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    os.register_at_fork(before=count, after_in_child=born)
    sys.argv = ["ns_exec"]
    born()
    code: t.Any = 1
    try:
        ns_exec.main()
    except SystemExit as end:
        code = end.code
    except Exception:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code or 0)


def wait(gate: socket.socket, module: int, options: t.Sequence[str]) -> bool:
    """Wait for the module to end, and hold a process that asks for it; False where it had to be ended."""
    pidfd = os.pidfd_open(module)
    poll = select.poll()
    poll.register(gate, select.POLLIN)
    poll.register(pidfd, select.POLLIN)
    limit = time.monotonic() + RUN_SECONDS
    try:
        while (left := limit - time.monotonic()) > 0:
            ready = dict(poll.poll(left * 1000))
            if pidfd in ready:
                return True
            if gate.fileno() in ready:
                poll.unregister(gate)
                content, ancillary = gate.recvmsg(1, 64)[:2]
                if content:
                    hold(struct.unpack("=3i", ancillary[0][2])[0], options)
                    gate.send(b"!")
        os.kill(module, signal.SIGKILL)
        return False
    finally:
        os.close(pidfd)


def hold(pid: int, options: t.Sequence[str]) -> None:
    """Start strace and wait until it holds the process. It ends with that process."""
    ours, theirs = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, theirs, 2)]
    os.posix_spawnp("strace", ["strace", "-p", str(pid), *options], os.environ, file_actions=actions)
    os.close(null)
    os.close(theirs)
    said = os.read(ours, 4096)
    os.close(ours)
    if b"attached" not in said:
        raise SystemExit(f"strace said: {said!r}")


def namespaces(pid: int) -> dict[str, int]:
    return {kind: os.stat(f"/proc/{pid}/ns/{kind}").st_ino for kind in TYPES}


def inode_of(link: str) -> int:
    """The number of net:[4026531840]; 0 for any other text."""
    match = re.fullmatch(r"[a-z]+:\[(\d+)\]", link)
    return int(match[1]) if match else 0


def children(pid: int) -> set[int]:
    """All children of a process with one thread, the adopted ones and the zombies too."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def describe(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:100]


def read_all(fd: int) -> str:
    with os.fdopen(fd, "rb") as file:
        file.seek(0)
        return file.read().decode()


def start_target() -> tuple[subprocess.Popen[bytes], int]:
    """A process with a user, a mount and a pid namespace of its own; its parent, and its pid."""
    namespaces = "--user --map-root-user --mount --pid --fork --kill-child --mount-proc"
    # With that signal ignored the kernel reaps the orphans that it is given.
    parent = subprocess.Popen(["unshare", *namespaces.split(), "env", "--ignore-signal=CHLD", "sleep", "infinity"])
    while True:
        for pid in children(parent.pid):
            if Path(f"/proc/{pid}/comm").read_text() == "sleep\n":
                return parent, pid
        time.sleep(0.001)


def main() -> None:
    name, one_in, shard = sys.argv[1:]
    number, shards = map(int, shard.split("/"))
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise SystemExit("this process can not adopt orphans")
    # In /tmp itself: others than root have to come here.
    scratch = Path(tempfile.mkdtemp(prefix="ns_exec-", dir="/tmp"))
    parent, target = start_target()
    try:
        (scratch / "hidden").mkdir()
        (scratch / "hidden/file").touch()
        scratch.chmod(0o755)
        os.chdir(scratch)
        runner = Runner(tasks(target, scratch / "hidden")[name], target, scratch)
        # By content and not by place: two runs without faults may differ by a call.
        keys = {case: zlib.crc32(repr(case).encode()) for case in runner.cases()}
        chosen = [case for case, key in keys.items() if key % (int(one_in) * shards) == number]
        checked = [runner.check(case) for case in chosen]
    finally:
        parent.kill()
        parent.wait()
        os.chdir("/")
        shutil.rmtree(scratch)
    wrong = [line for _hit, lines in checked for line in lines]
    print(json.dumps({"cases": len(checked), "hits": sum(hit for hit, _lines in checked), "wrong": wrong}))


if __name__ == "__main__":
    main()
