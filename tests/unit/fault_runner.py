# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ns_exec again and again, each time with another system call of one of its processes failing, or killing it.

    fault_runner.py TASK SHARD/SHARDS ONE_IN ONE_IN [ONE_IN ONE_IN]

test_faults.py starts it and reads the JSON that it prints: how many faults were injected, and what was wrong then. One
in so many faults is injected: in the module, in its children, and where a child goes on as a sealed copy of the
interpreter, in the start of that and in all that comes after. With 1 for each it is every fault.

The module runs in a fork of this program, so that a run costs no interpreter. Its processes are numbered as they are
born: 0 is the module, 1 its first child and so on; what goes on as a sealed copy of the interpreter is born again. A
process that is to fail is stopped at birth, by what Python lets a program register for its forks, until strace(1) holds
it: only its own calls are counted, so that each call of each process gets its turn. Which calls there are says a run
without faults. This program is the subreaper of all that it starts; when it has no child left, no process of the run is
left, not even a zombie.
"""

from __future__ import annotations

import collections
import ctypes
import inspect
import json
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

from ansible_collections.linux.namespaces.plugins.module_utils._kernel.process import pidfd_open
from ansible_collections.linux.namespaces.plugins.modules import ns_exec

PR_SET_CHILD_SUBREAPER = 36
ORDINARY = 1000
TYPES = ("user", "mnt", "uts", "ipc", "net", "cgroup", "time", "pid")
MOST_PROCESSES = 8
RUN_SECONDS = 8
STEP_MILLISECONDS = 20
# Every capability is given up by a call of its own, every process looked at: what differs in such words alone is alike.
VARIABLE = re.compile(r"\b(0x[0-9a-f]+|\d+|CAP_\w+)|\s+= .*")
MOST_REPETITIONS = 5
KILL = "signal=SIGKILL"
FAULTS = (KILL, "error=ENOSPC", "error=EPERM", "error=ENOSYS")

# Calls that change nothing outside of the process, so that a fault there is one at the next call; and what holds it.
QUIET = re.compile(
    "access|brk|close|exit_group|fstat|futex|getcwd|gete?[ug]id|getp?pid|getsockname|gettid|lseek|madvise|mmap|mprotect|"
    "mremap|munmap|newfstatat|readv|restart_syscall|rt_sigaction|rt_sigreturn|statfs|uname"
)
# Python says to itself that a signal has come; how often differs from run to run, and so does what the next write is.
SIGNALED = re.compile(r'write\(\d+, "\\\d+", 1\)')
# What comes before the module's own work: Ansible reads the options and writes to syslog.
FIRST_OWN_CALL = re.compile(r'openat\(AT_FDCWD, "/proc", ')
# The sealed copy starts. All that it imports it has imported before it does anything of its own.
SEALED_COPY = re.compile(r"execveat\(")
IMPORT = re.compile(r'openat\(AT_FDCWD, "[^"]*\.(py|pyc|so)"')
CLOSE = re.compile(r"close\(")
# The parts of a task, in the order of the numbers on the command line.
MODULE, CHILDREN, START, SEALED = range(4)
# From here on the command may run.
GO = re.compile(r'^sendmsg\(\d+, .*iov_base="!", .* = 1$', re.MULTILINE)
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
    """One fault, in this part of the task: the nth time that this process makes this call."""

    part: int
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
        "sealed": Task({"pid": str(target)}, joined=("user", "mnt", "pid")),
        "foreign": Task({"pid": str(target)}, joined=("mnt", "uts", "net")),
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
        "timeout": Task({"unshare": ["uts"], "timeout": "0.3"}, created=("uts",), times_out=True),
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

    def run(self, part: int, process: int, *options: str) -> Run:
        """Run the module; strace with these options holds that process from its birth, at most until its next exec."""
        self.witness.write_text("")
        self.witness.chmod(0o666)
        self.log.write_text("")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        stdin, stdout, stderr, births = (os.memfd_create(name) for name in ("stdin", "stdout", "stderr", "births"))
        os.pwrite(stdin, self.arguments, 0)
        module = os.fork()
        if module == 0:
            ours.close()
            be_the_module((process, theirs.fileno(), births), (stdin, stdout, stderr))
        theirs.close()
        os.close(births)
        until = () if part == START else ("-b", "execve")
        hung = not wait(ours, module, lambda pid: hold(pid, ["-o", str(self.log), *until, *options]))
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
        """Every fault, from runs without one."""
        part = MODULE
        for process in range(MOST_PROCESSES):
            log = self.calls(part, process)
            if not log:
                return
            first, last = 0, len(log)
            if part == MODULE:
                first, last = index_of(log, FIRST_OWN_CALL), index_of(log, RESULT)
            elif part == SEALED:
                first = count_starting(log)
            yield from cases_of(part, process, log[:last], first)
            part = max(part, CHILDREN)
            if SEALED_COPY.match(log[-1]):
                log = self.calls(START, process)
                yield from cases_of(START, process, log[: count_starting(log)], index_of(log, SEALED_COPY) + 1)
                part = SEALED

    def calls(self, part: int, process: int) -> list[str]:
        """What a process calls in a run without faults. It has to succeed; what it witnesses is right for all."""
        run = self.run(part, process)
        self.expected = max(self.expected, run.witness, key=len)
        wrong = self.judge(run, Case(part, process, "", 0, ""))
        if wrong or not {*self.task.sees} <= {*run.witness}:
            raise SystemExit(f"without a fault: {wrong} {run}")
        return run.log.splitlines()

    def check(self, case: Case) -> tuple[bool, list[str]]:
        """Whether the fault was injected at all, and what was wrong afterwards."""
        before = self.machine()
        inject = f"inject={case.call}:{case.fault}:when={case.occurrence}"
        run = self.run(case.part, case.process, "-e", f"trace=sendmsg,{case.call}", "-e", inject)
        after = self.machine()
        if re.search(RESULT.pattern + r".*\(INJECTED\)", run.log):
            return False, []
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
        for kind, line in zip(TYPES, witness):
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
        # What a timeout ends may end at any line.
        if any(one != other for one, other in zip(seen, expected)):
            wrong.append(f"the command saw {seen} and not {expected}")
        return wrong

    def judge_result(self, result: dict[str, t.Any], run: Run, case: Case) -> list[str]:
        """Either all was right, or there is one message that says what was not."""
        message = str(result.get("msg"))
        if self.task.times_out and "timed out" in message:
            return ["it has an rc"] if "rc" in result else []
        if not result.get("failed"):
            inodes = {kind: entry["inode"] for kind, entry in result["namespaces"].items()}
            seen = {kind: inode_of(line) for kind, line in zip(TYPES, run.witness)}
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
        # A process whose report could not be sent has no other way to say why, nor has an interpreter that can't start.
        silent = case.fault == KILL or case.call == "sendmsg" or case.part == START
        name = "" if silent else f" {case.fault.rpartition('=')[2]} ("
        if not message.startswith("cannot ") or name not in message:
            wrong.append("the message lacks the operation or the errno")
        return wrong


def cases_of(part: int, process: int, log: list[str], first: int) -> t.Iterator[Case]:
    """Every fault for a process that made these calls, from the first one on that counts."""
    counts: collections.Counter[str] = collections.Counter()
    for number, line in enumerate(log):
        call = line.partition("(")[0]
        counts[call] += 1
        if number >= first and call.isidentifier() and not QUIET.fullmatch(call) and not SIGNALED.match(line):
            alike = VARIABLE.sub("", line)
            counts[alike] += 1
            if counts[alike] <= MOST_REPETITIONS:
                yield from (Case(part, process, call, counts[call], fault) for fault in FAULTS)


def index_of(log: list[str], words: re.Pattern[str], first: int = 0) -> int:
    return next(number for number in range(first, len(log)) if words.match(log[number]))


def count_starting(log: list[str]) -> int:
    """How many calls belong to the start of an interpreter: up to the end of its last import."""
    imports = [number for number, line in enumerate(log) if IMPORT.match(line)]
    return index_of(log, CLOSE, imports[-1]) + 1 if imports else 0


def hold_births(process: int, gate: int, births: int) -> None:
    """Number this program and what is forked from it; the one that has this number waits to be held.

    The births are counted by the offset of a file that all share. Runs in other programs too, so it knows only os.
    """
    upcoming = 0

    def count() -> None:
        nonlocal upcoming
        upcoming = os.lseek(births, 1, os.SEEK_CUR) - 1

    def born() -> None:
        if upcoming == process:
            os.write(gate, b"?")
            os.readv(gate, [bytearray(1)])

    os.register_at_fork(before=count, after_in_child=born)
    count()
    born()


# Read once, and in no process that is to fail.
HOLD_BIRTHS = inspect.getsource(hold_births)


def be_the_module(births: tuple[int, int, int], streams: t.Sequence[int]) -> t.NoReturn:
    """Be a task's process. The births are the arguments of hold_births(), for a sealed copy too."""
    execve: t.Any = os.execve

    def replace(program: t.Any, words: t.Sequence[str], environment: t.Mapping[str, str]) -> None:
        if isinstance(program, int):
            *options, script = words
            words = [*options, f"import os\n{HOLD_BIRTHS}\nhold_births{births}\n{script}"]
            for fd in births[1:]:
                os.set_inheritable(fd, True)
        execve(program, words, environment)

    os.execve = t.cast("t.Any", replace)
    # Or the first run differs from the others.
    sys.dont_write_bytecode = True
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    sys.argv = ["ns_exec"]
    hold_births(*births)
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


def wait(
    gate: socket.socket, module: int, take: t.Callable[[int], None], meanwhile: t.Callable[[], None] = lambda: None
) -> bool:
    """Wait for the module to end, and take the process that asks to be held; False where it had to be ended."""
    pidfd = pidfd_open(module)
    poll = select.poll()
    poll.register(gate, select.POLLIN)
    poll.register(pidfd, select.POLLIN)
    limit = time.monotonic() + RUN_SECONDS
    try:
        while (left := limit - time.monotonic()) > 0:
            meanwhile()
            ready = dict(poll.poll(min(left * 1000, STEP_MILLISECONDS)))
            if pidfd in ready:
                return True
            if gate.fileno() in ready:
                poll.unregister(gate)
                content, ancillary = gate.recvmsg(1, 64)[:2]
                if content:
                    take(struct.unpack("=3i", ancillary[0][2])[0])
                    gate.send(b"!")
        os.kill(module, signal.SIGKILL)
        return False
    finally:
        os.close(pidfd)


def hold(pid: int, options: t.Sequence[str]) -> None:
    """Start strace and wait until it holds the process, unless that was ended before. It ends with that process."""
    ours, theirs = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, theirs, 2)]
    os.posix_spawnp("strace", ["strace", "-p", str(pid), *options], os.environ, file_actions=actions)
    os.close(null)
    os.close(theirs)
    said = os.read(ours, 4096)
    os.close(ours)
    if b"attached" not in said and is_alive(pid):
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


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def describe(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:100]


def read_all(fd: int) -> str:
    with os.fdopen(fd, "rb") as file:
        file.seek(0)
        return file.read().decode()


def start_target(name: str) -> tuple[subprocess.Popen[bytes], int]:
    """A process with namespaces of its own, as this task needs them; its parent, and its pid."""
    theirs = "--mount --uts --net" if name == "foreign" else "--user --mount --pid --mount-proc"
    # With that signal ignored the kernel reaps the orphans that it is given.
    command = ["env", "--ignore-signal=CHLD", "sleep", "infinity"]
    parent = subprocess.Popen(["unshare", *theirs.split(), "--fork", "--kill-child", *command])
    while True:
        for pid in children(parent.pid):
            if Path(f"/proc/{pid}/comm").read_text() == "sleep\n":
                if "--user" in theirs:
                    # Root inside is not root outside, so that it matters who the command is.
                    for ids in ("uid_map", "gid_map"):
                        Path(f"/proc/{pid}/{ids}").write_text(f"0 {ORDINARY} 1\n")
                return parent, pid
        time.sleep(0.001)


def main() -> None:
    name, shard, *one_in = sys.argv[1:]
    number, shards = map(int, shard.split("/"))
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise SystemExit("this process can not adopt orphans")
    # In /tmp itself: others than root have to come here.
    scratch = Path(tempfile.mkdtemp(prefix="ns_exec-", dir="/tmp"))
    parent, target = start_target(name)
    try:
        (scratch / "hidden").mkdir()
        (scratch / "hidden/file").touch()
        scratch.chmod(0o755)
        os.chdir(scratch)
        runner = Runner(tasks(target, scratch / "hidden")[name], target, scratch)
        # By content and not by place: two runs without faults may differ by a call.
        keys = {case: zlib.crc32(repr(case).encode()) for case in runner.cases()}
        chosen = [case for case, key in keys.items() if key % (int(one_in[case.part]) * shards) == number]
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
