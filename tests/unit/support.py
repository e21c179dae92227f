# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unit tests share: real namespaces with somebody in them, children to do in what this process must not."""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import platform
import resource
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

import hypothesis
import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import (
    descriptor,
    libc,
    mount,
    mountinfo,
    nsfs,
    nstypes,
    process,
    procfs,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import (
    cgroup,
    checkpoint,
    command,
    inside,
    launch,
    target,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import (
    options as option_parser,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.definition import Definition, showing_network
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.sets import model
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.sets import run as sets_run

ORDINARY = 1000
"""An id without any privilege; nobody has to have it."""

TYPE_NAMES = [kind.name for kind in nstypes.ALL]

PATIENCE = int(os.environ.get("TESTS_PATIENCE_SECONDS", "60"))
"""Seconds after which something that should end at once is called a failure, on a busy machine too."""

properties = hypothesis.settings(
    database=None, deadline=None, max_examples=200, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)

T = t.TypeVar("T")
Options = t.Mapping[str, t.Any]


# ---- the domain floor, called as a module calls it


def enter_cgroup(directory: str) -> None:
    Path(directory, "cgroup.procs").write_text("0")


@contextlib.contextmanager
def own_procfs() -> t.Iterator[int]:
    with descriptor.closing(procfs.open_root()) as proc:
        yield proc


def run(
    *argv: str,
    unshare: t.Iterable[str] = (),
    options: Options | None = None,
    pid: int | None = None,
    handles: t.Mapping[str, str | None] | None = None,
    types: t.Sequence[str] | None = None,
    **fields: t.Any,
) -> command.Result:
    """Run a command; the fields are those of Command."""
    new = option_parser.parse(unshare, options or {})
    with own_procfs() as proc, target.of(proc, pid, handles, types) as existing:
        return command.run(proc, described(*argv, **fields), existing, new)


def described(*argv: str, **fields: t.Any) -> launch.Command:
    given = {"environment": {}, "clear_environment": False, "stdin": b"", "max_output": 1 << 20, "timeout": PATIENCE}
    return launch.Command(argv, **{**given, **fields})


UTS: t.Mapping[str, t.Any] = {"unshare": ["uts"]}
"""For a command that has to run somewhere."""


def refusal(*argv: str, **arguments: t.Any) -> NamespaceError:
    """The error of a command that can not be run, unless told otherwise in a new UTS namespace."""
    with pytest.raises(NamespaceError) as caught:
        run(*argv, **{**UTS, **arguments})
    return caught.value


def code_of(work: t.Callable[[], object]) -> int | None:
    """The errno that something fails with."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the errno is what is looked at
        work()
    return caught.value.errno


def output(*argv: str, **arguments: t.Any) -> str:
    """What a command that succeeds writes to its standard output."""
    result = run(*argv, **arguments)
    assert (result.code, result.stderr, result.timed_out) == (0, b"", False)
    return result.stdout.decode()


def python(script: str) -> tuple[str, ...]:
    """The words of a command that runs Python with little around it."""
    return (sys.executable, "-I", "-S", "-c", script)


@contextlib.contextmanager
def entered(
    look: t.Callable[[], t.Any] = lambda: None,
    *,
    unshare: t.Iterable[str] = (),
    options: Options | None = None,
    pid: int | None = None,
    handles: t.Mapping[str, str | None] | None = None,
    types: t.Sequence[str] | None = None,
    root: str | None = None,
    sysfs: bool = False,
) -> t.Iterator[tuple[int, t.Any]]:
    """A child that is in the namespaces, where a command would be: its pid, and what it saw there."""
    new = option_parser.parse(unshare, options or {})
    with own_procfs() as proc, target.of(proc, pid, handles, types) as existing:
        if sysfs:
            new = showing_network(new, existing.descriptors)
        start = launch.Launch(described("true", root=root), existing, new, ())
        with _child_at(start, look, proc) as found:
            yield found


class _SettingUp(launch.Launch):
    sets_up = True


@contextlib.contextmanager
def _child_at(start: launch.Launch, look: t.Callable[[], t.Any], proc: int) -> t.Iterator[tuple[int, t.Any]]:
    start.preload()
    really_set_up = inside.set_up

    def set_up(gate: checkpoint.Gate, definition: Definition, root: str | None) -> t.NoReturn:
        if start.sets_up:
            really_set_up(gate, definition, root)
        gate.report(seen=look())
        gate.wait()
        os._exit(0)

    def work(gate: checkpoint.Gate) -> t.NoReturn:
        inside.set_up = set_up
        _SettingUp(*start).work(gate)

    deadline = time.monotonic() + PATIENCE
    with checkpoint.spawn(work, proc) as child:
        child.expect("namespaces", deadline)
        child.release()
        yield child.pid, child.expect("seen", deadline)


def seen(look: t.Callable[[], t.Any], **arguments: t.Any) -> t.Any:
    """What a child sees inside, as JSON brings it: a tuple becomes a list."""
    with entered(look, **arguments) as (_pid, found):
        return found


# ---- children


class EndedError(Exception):
    """A child ended without an answer; the number is its wait status."""


class Background(t.Generic[T]):
    """A child that does some work; the end of the child comes after so many seconds anyhow."""

    def __init__(self, work: t.Callable[[], T], seconds: int = PATIENCE) -> None:
        self._reader, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            signal.alarm(seconds)
            answer = _answer(work)
            with open(theirs, "wb") as file:
                file.write(answer)
            os._exit(0)
        os.close(theirs)

    def result(self) -> T:
        """What the work returned or raised, which is raised here."""
        with open(self._reader, "rb") as file:
            answer = file.read()
        status = os.waitpid(self.pid, 0)[1]
        if not answer:
            raise EndedError(status)
        good, value = pickle.loads(answer)
        if not good:
            raise value
        return t.cast("T", value)


def forked(work: t.Callable[[], T], seconds: int = PATIENCE) -> T:
    """Do the work in a child of its own and return, or raise here, what it returned or raised."""
    return Background(work, seconds).result()


def _answer(work: t.Callable[[], t.Any]) -> bytes:
    try:
        return pickle.dumps((True, work()))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised again in the parent
        try:
            return pickle.dumps((False, error))
        except Exception:  # noqa: BLE001 - some exceptions can't be pickled, those of pytest.fail() among them
            return pickle.dumps((False, AssertionError(repr(error))))


def secluded(work: t.Callable[[], T]) -> T:
    """Do the work in a child with a mount namespace of its own, from which nothing gets out."""

    def seclude() -> T:
        own_mounts()
        return work()

    return forked(seclude)


def own_mounts(propagation: str = "private") -> None:
    """Have a mount namespace of this process's own, whose mounts are private to it or shared with its copies."""
    process.unshare(nstypes.MNT.flag)
    with descriptor.closing(os.open("/", os.O_PATH)) as root:
        mount.set_propagation(root, "private", recursive=True)
        if propagation != "private":
            mount.set_propagation(root, propagation, recursive=True)


def become_ordinary(uid: int = ORDINARY) -> None:
    """Have no privilege any more, like the process of an ordinary user that came by exec (so it is dumpable)."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    libc.function("prctl", 4, 1, 0, 0, 0)


def as_ordinary(work: t.Callable[[], T]) -> T:
    """Do the work in a child without any privilege."""

    def ordinary() -> T:
        become_ordinary()
        return work()

    return forked(ordinary)


def with_subordinate_ids(tmp_path: Path, work: t.Callable[[], T], subordinate: str) -> T:
    """Do the work where the ordinary user is known, with these subordinate ids."""

    def equipped() -> T:
        for name, text in (
            ("passwd", f"root:x:0:0::/root:/bin/sh\nsomebody:x:{ORDINARY}:{ORDINARY}::/:/bin/sh\n"),
            ("group", f"root:x:0:\nsomebody:x:{ORDINARY}:\n"),
            ("subuid", subordinate),
            ("subgid", subordinate),
        ):
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o644)
            bind(tmp_path / name, f"/etc/{name}")
        return work()

    return secluded(equipped)


def bind(source: str | Path, path: str | Path) -> None:
    """Bind a file or directory over another one."""
    with descriptor.closing(os.open(path, os.O_PATH)) as place, descriptor.closing(
        os.open(source, os.O_PATH)
    ) as held, descriptor.closing(mount.clone_tree(held, recursive=True)) as tree:
        mount.attach_tree(tree, place)


def mount_over(fstype: str, path: str | Path, data: str = "") -> None:
    with descriptor.closing(os.open(".", os.O_PATH)) as here, descriptor.closing(os.open(path, os.O_PATH)) as place:
        mount.mount_filesystem(fstype, fstype, place, 0, data)
        os.fchdir(here)


def leave_descriptors(count: int) -> None:
    """Let this process open so many more."""
    used = set(map(int, os.listdir("/proc/self/fd")))
    limit = [number for number in range(len(used) + count + 1) if number not in used][count]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def without(*numbers: int) -> None:
    """Let these system calls fail with ENOSYS in this process, as on a kernel without them or below a container."""
    code = b"".join(
        struct.pack("=HBBI", *instruction)
        for number in numbers
        for instruction in ((0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | errno.ENOSYS))
    )
    filters = libc.buffer(struct.pack("=HBBI", 0x20, 0, 0, 0) + code + struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000))
    program = libc.buffer(struct.pack("@HP", len(filters) // 8, libc.address(filters)))
    libc.function("prctl", 38, 1, 0, 0, 0)
    libc.function("prctl", 22, 2, libc.address(program), 0, 0)


# ---- what stands at a path where something else should be


WRONG_FILES = ("plain file", "fifo", "device", "socket", "directory", "symlink", "dangling symlink", "nothing")


def wrong_file(kind: str, path: Path) -> Path:
    """The path, with one of these kinds of files at it. The link leads to a namespace, of the parent."""
    if kind == "plain file":
        path.write_text("net:[4026531833]")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 7))
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.relpath(path))  # the name of a socket has to be short
    elif kind == "directory":
        path.mkdir()
    elif kind == "symlink":
        path.symlink_to(f"/proc/{os.getppid()}/ns/net")
    elif kind == "dangling symlink":
        path.symlink_to("nowhere")
    return path


@contextlib.contextmanager
def zombie() -> t.Iterator[int]:
    """The pid of a child that has ended and was not reaped."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try:
        yield pid
    finally:
        os.waitpid(pid, 0)


def held_namespaces(pid: int) -> list[str]:
    """The links of the namespaces that a process has open, and does not close meanwhile."""
    links = []
    for entry in os.scandir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(entry.path))
    return sorted(text for text in links if text.partition(":")[0] in TYPE_NAMES)


# ---- namespaces with somebody in them


@contextlib.contextmanager
def headless() -> t.Iterator[int]:
    """A process in new uts and pid namespaces, whose first thread has ended and left all but user and pid."""

    def leave() -> None:
        threading.Thread(target=signal.pause, daemon=True).start()
        libc.function("pthread_exit", None)

    with inhabited("uts", "pid") as init:
        above = os.fork()
        if above == 0:
            try:
                process.die_with_parent(signal.SIGKILL)
                for kind in ("uts", "pid"):
                    with descriptor.closing(os.open(f"/proc/{init}/ns/{kind}", os.O_RDONLY)) as namespace:
                        process.setns(namespace, nstypes.BY_NAME[kind].flag)
                if os.fork() == 0:
                    process.die_with_parent(signal.SIGKILL)
                    leave()
                signal.pause()
            finally:
                os._exit(1)
        try:
            children = f"/proc/{above}/task/{above}/children"
            wait_for(lambda: bool(read(children)) and has_ended(int(read(children))))
            yield int(read(children))
        finally:
            os.kill(above, signal.SIGKILL)
            os.waitpid(above, 0)


@contextlib.contextmanager
def inhabited(
    *types: str,
    id_map: str = "0 0 65536\n",
    deny_setgroups: bool = False,
    prepare: t.Callable[[], object] = lambda: None,
) -> t.Iterator[int]:
    """The pid of a process that prepares and then waits in new namespaces, made in the order of the types.

    A user namespace owns what is made after it. Its ids are by default those outside; with an empty map it has none.
    """
    said, say = os.pipe()
    wait, release = os.pipe()
    child = os.fork()
    if child == 0:
        _inhabit(types, prepare, say, wait)
    os.close(say)
    os.close(wait)
    inhabitant = 0
    try:
        if "user" in types:
            assert os.read(said, 1) == b"u"
            if deny_setgroups:
                Path(f"/proc/{child}/setgroups").write_text("deny")
            for name in ("uid_map", "gid_map"):
                Path(f"/proc/{child}/{name}").write_text(id_map)
            os.write(release, b"!")
        inhabitant = int(os.read(said, 32))
        yield inhabitant
    finally:
        for pid in {inhabitant, child} - {0}:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(child, 0)
        wait_for(lambda: has_ended(inhabitant))
        os.close(said)
        os.close(release)


def _inhabit(types: t.Iterable[str], prepare: t.Callable[[], object], say: int, wait: int) -> t.NoReturn:
    try:
        process.die_with_parent(signal.SIGKILL)
        for name in types:
            if name == "mnt":
                _unshare_mounts()
            else:
                process.unshare(nstypes.BY_NAME[name].flag)
            if name == "user":
                os.write(say, b"u")
                os.read(wait, 1)
        pid = 0
        if not {"pid", "time"}.isdisjoint(types):
            pid = os.fork()
        if pid == 0:
            prepare()
            # From inside a pid namespace nobody knows the pid outside; the procfs that is still there does.
            os.write(say, os.readlink("/proc/self").encode())
        while True:
            signal.pause()
    finally:
        os._exit(1)


def _unshare_mounts() -> None:
    """A mount namespace that can be pinned where we are now.

    Linux 6.18 wants it to have a higher id for that, and has numbers of its own for each CPU; that which ours comes
    from goes on with higher ones.
    """
    ours = own_identity("mnt").id
    allowed = os.sched_getaffinity(0)
    for cpu in allowed:
        os.sched_setaffinity(0, {cpu})
        process.unshare(nstypes.MNT.flag)
        if ours is None or (own_identity("mnt").id or 0) > ours:
            break
    os.sched_setaffinity(0, allowed)


def identity(pid: int, name: str) -> nsfs.Identity:
    """Which namespace a process is in, asked from outside."""
    with descriptor.closing(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)) as fd:
        return nsfs.identity(fd)


def identities(pid: int) -> dict[str, nsfs.Identity]:
    return {name: identity(pid, name) for name in TYPE_NAMES}


def status_of(pid: int | str, field: str) -> list[str]:
    """The words of a line of /proc/PID/status."""
    lines = read(f"/proc/{pid}/status").splitlines()
    (found,) = (line.split()[1:] for line in lines if line.startswith(field + ":"))
    return found


def read(path: str | Path) -> str:
    """A text, also in a child that can look no encoding up any more."""
    return Path(path).read_text(encoding="utf-8", errors="surrogateescape")


def write(path: str | Path, text: str) -> None:
    Path(path).write_text(text, encoding="utf-8", errors="surrogateescape")


def id_maps(outside: int, count: int = 1) -> dict[str, t.Any]:
    """The options for a user namespace in which these ids start at 0."""
    ids = [{"inside": 0, "outside": outside, "count": count}]
    return {"uid_map": ids, "gid_map": ids}


AS_ROOT = id_maps(0, 65536)


def own_identity(name: str) -> nsfs.Identity:
    return identity(os.getpid(), name)


def kernel_release() -> tuple[int, int]:
    major, minor = platform.release().split(".")[:2]
    return int(major), int("".join(character for character in minor if character.isdigit()))


needs_ids = pytest.mark.skipif(kernel_release() < (6, 18), reason="needs Linux 6.18, which gives every namespace an id")


# ---- who is still there


def live_children(pid: int) -> list[int]:
    """The children of a single-threaded process, without those that have ended and wait to be reaped."""
    return [child for child in map(int, read(f"/proc/{pid}/task/{pid}/children").split()) if not has_ended(child)]


def has_ended(pid: int) -> bool:
    """Whether the process is a zombie, or was reaped in the meantime."""
    try:
        return status_of(pid, "State")[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@contextlib.contextmanager
def crowd() -> t.Iterator[None]:
    """So many processes, though they have ended, that to look at all of them takes longer than one of a chain lives."""
    script = (
        "import os, sys\n"
        "for number in range(2000):\n"
        "    if os.fork() == 0: os._exit(0)\n"
        "print(flush=True); sys.stdin.read()\n"
        "for number in range(2000): os.wait()"
    )
    with subprocess.Popen(python(script), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        parent.stdout.readline()
        yield


class Roll:
    """A fifo that processes hold open: what they wrote to it, and whether one of them is still there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path, 0o666)
        path.chmod(0o666)
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._heard = b""

    def close(self) -> None:
        os.close(self._fd)

    def heard(self, count: int = 0) -> bytes:
        """What was written until now, and at least this many bytes of it."""
        self._read()
        deadline = time.monotonic() + PATIENCE
        while len(self._heard) < count and time.monotonic() < deadline:
            select.select([self._fd], [], [], 0.01)
            self._read()
        return self._heard

    def is_empty(self, seconds: float = 0) -> bool:
        """Whether nobody holds it open any more, now or within that time."""
        deadline = time.monotonic() + seconds
        while not (empty := self._read()) and time.monotonic() < deadline:
            time.sleep(0.005)
        return empty

    def _read(self) -> bool:
        """Read what there is; whether it was the end."""
        try:
            while chunk := os.read(self._fd, 65536):
                self._heard += chunk
        except BlockingIOError:
            return False
        return True


def roll_at(path: Path) -> t.ContextManager[Roll]:
    return contextlib.closing(Roll(path))


# ---- the shapes of a command


SHAPES: dict[str, dict[str, t.Any]] = {
    "no pid namespace": {"unshare": ["uts"]},
    "PID 1": {"unshare": ["pid", "mnt"]},
    "below an init": {"unshare": ["pid", "mnt"], "init": True},
    "in a joined pid namespace": {"types": ["pid"]},
    "in a joined mount namespace": {"types": ["mnt"]},
    "in a container": {"types": ["pid", "mnt"]},
}
"""The ways in which a command runs, as arguments of run(). The types are those of namespaces that are joined."""

every_shape = pytest.mark.parametrize("shape", SHAPES)


@contextlib.contextmanager
def arguments_of(shape: str) -> t.Iterator[dict[str, t.Any]]:
    """The arguments of run() for a shape, with somebody in what is to be joined."""
    if "types" not in SHAPES[shape]:
        yield SHAPES[shape]
        return
    with inhabited(*SHAPES[shape]["types"]) as pid:
        yield {**SHAPES[shape], "pid": pid}


# ---- sets of persistent namespaces


@contextlib.contextmanager
def own_run(options: str = "mode=755", propagation: str = "private") -> t.Iterator[None]:
    """An empty /run and an empty hierarchy of cgroups, for sets. What is left of them at the end is taken away.

    Their inits come to this process, which reaps them only at the end.
    """
    with contextlib.ExitStack() as stack:
        process.set_subreaper(True)
        stack.callback(process.set_subreaper, False)
        stack.enter_context(_own_cgroups())
        stack.callback(_end_new_children, children())
        mount_over("tmpfs", "/run", options)
        stack.callback(unmount, "/run")
        with descriptor.closing(os.open(".", os.O_PATH)) as here, descriptor.closing(
            os.open("/run", os.O_PATH)
        ) as run_directory:
            mount.set_propagation(run_directory, propagation, recursive=False)
            # Before Linux 5.12 it moves the working directory.
            os.fchdir(here)
        yield


@contextlib.contextmanager
def _own_cgroups() -> t.Iterator[None]:
    """A new cgroup, mounted where the hierarchy of version 2 is, if there is one."""
    top = _cgroup_hierarchy()
    if top is None:
        yield
        return
    directory = Path(tempfile.mkdtemp(dir=top, prefix="linux-namespaces-tests-"))
    try:
        bind(directory, top)
        try:
            yield
        finally:
            unmount(top)
    finally:
        # The files in there can not be removed, and go with it.
        for path, _directories, _files in os.walk(directory, topdown=False):
            os.rmdir(path)


def _cgroup_hierarchy() -> str | None:
    with own_procfs() as proc:
        return cgroup.hierarchy(mountinfo.read(proc))


def unmount(path: str) -> None:
    """Take off the uppermost mount there, whoever holds it open."""
    libc.function("umount2", os.fsencode(path), mount.MNT_DETACH)


def remount(path: str, options: str) -> None:
    """Change the options of the file system that is mounted there."""
    libc.function("mount", b"none", os.fsencode(path), None, 0x20, os.fsencode(options))


def children() -> set[int]:
    """Ours, the adopted ones and those that have ended too."""
    return set(map(int, read(f"/proc/self/task/{os.getpid()}/children").split()))


def _end_new_children(before: set[int]) -> None:
    while left := children() - before:
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            # An init waits for what is in its namespace, and that for us.
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.001)


def link(path: str) -> str:
    try:
        return os.readlink(path)
    except FileNotFoundError:
        return "gone"


def in_own_world(work: t.Callable[[], T], *types: str, **more: int) -> T:
    """Do the work as PID 1 of namespaces of its own, by default of all types, with an empty /run.

    Without user among the types there are no cgroups either.
    more: how many more namespaces of a type there may be, if user is among the types.
    """
    kinds = types or TYPE_NAMES

    def make() -> T:
        if "user" in kinds:
            process.unshare(nstypes.USER.flag)
            write("/proc/self/setgroups", "deny")
            for name in ("uid_map", "gid_map"):
                write(f"/proc/self/{name}", "0 0 1")
        own_mounts()
        for name in kinds:
            if name not in ("user", "mnt"):
                process.unshare(nstypes.BY_NAME[name].flag)
        return forked(live)

    def live() -> T:
        mount_over("proc", "/proc")
        mount_over("tmpfs", "/run", "mode=755")
        if "user" not in kinds:
            # With all that is hidden there.
            while mounts_below("/sys"):
                unmount("/sys")
            mount_over("sysfs", "/sys")
        for name, number in more.items():
            write(f"/proc/sys/{nstypes.BY_NAME[name].limit.replace('.', '/')}", str(number + 1))
        return work()

    return forked(make)


def bring(
    *names: str,
    types: t.Iterable[str] | None = None,
    present: bool = True,
    recreate: bool = False,
    when_busy: str = "fail",
    pid: int | None = None,
    places: t.Mapping[str, str] | None = None,
    check: bool = False,
    prepare: t.Callable[[], object] = lambda: None,
    **options: t.Any,
) -> model.Results:
    """Bring sets to what is asked, in a process of its own that is left with what it had before."""

    def work() -> model.Results:
        prepare()
        open_before, children_before = os.listdir("/proc/self/fd"), children()
        named = None if types is None else list(types)
        with own_procfs() as proc, target.of(proc, pid, None, named if pid is not None else None) as found:
            adopted = None if pid is None else sets_run.adoptable(proc, found, named is not None)
            kinds = model.kinds_of(named if named is not None or places is None else places)
            results = sets_run.run(
                proc,
                model.Request(
                    dict.fromkeys(names, model.Asked(kinds, options)), present, recreate, when_busy, adopted, places
                ),
                check,
            )
        left = set(os.listdir("/proc/self/fd")) ^ set(open_before)
        assert not left, [link(f"/proc/self/fd/{number}") for number in left]
        inits = {done.state.init_pid for done in results.done.values()}
        assert children() - children_before <= inits, (children() - children_before, inits)
        return results

    return forked(work)


def brought(*names: str, **arguments: t.Any) -> dict[str, tuple[str, ...]]:
    """What was done to each of the sets, in words; none may fail."""
    results = bring(*names, **arguments)
    assert (dict(results.failed), results.warnings) == ({}, ()), results
    return {name: done.changes for name, done in results.done.items()}


def failure(name: str, *others: str, **arguments: t.Any) -> NamespaceError:
    """Why a set can't be brought to what is asked; the others can."""
    results = bring(name, *others, **arguments)
    assert set(results.done) == set(others), results
    return results.failed[name]


def at_handle(kind: str, name: str) -> nsfs.Identity:
    """Which namespace is pinned as this one of a set, asked of the kernel."""
    with descriptor.closing(nsfs.open_handle(f"/run/{kind}ns/{name}")) as fd:
        assert nsfs.type_of(fd).name == kind
        return nsfs.identity(fd)


def mounts_below(path: str) -> list[mountinfo.Mount]:
    """The mounts at and below a path, in the mount namespace of this process."""
    with own_procfs() as proc:
        return [item for item in mountinfo.read(proc) if item.path == path or item.path.startswith(path + "/")]


def everything() -> list[str]:
    """All that a task could change here: mounts, what is in /run, cgroups, processes."""
    found = read("/proc/self/mountinfo").splitlines()
    top = _cgroup_hierarchy()
    for place in ("/run", *([top] if top else [])):
        for path, directories, files in os.walk(place):
            for name in (".", *sorted(directories), *sorted(files)):
                status = os.lstat(f"{path}/{name}")
                details = status.st_mode, status.st_uid, status.st_ino, status.st_size, status.st_mtime_ns
                # The files of a cgroup have the time at which they are looked at.
                found.append(f"{path}/{name} {details if place == '/run' else ''}")
    for name in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
        # What the init of a set waits for starts some time later than the init.
        (parent,) = status_of(name, "PPid")
        if parent == "0" or "\0linux-namespaces\0" not in read(f"/proc/{parent}/cmdline"):
            found.append(f"{name} {read(f'/proc/{name}/cmdline')!r}")
    return found


NSENTER = {name: "mount" if name == "mnt" else name for name in TYPE_NAMES}
"""What nsenter(1) calls the types."""


@contextlib.contextmanager
def occupied(name: str, kind: str, *argv: str) -> t.Iterator[int]:
    """A process in a namespace of a set; whoever ends it, it is reaped."""
    words = argv or ("sleep", str(PATIENCE * 2))
    fork = ["--no-fork"] if kind != "pid" else []
    child = subprocess.Popen(["nsenter", *fork, f"--{NSENTER[kind]}=/run/{kind}ns/{name}", "--", *words])

    def started() -> list[int]:
        candidates = live_children(child.pid) if kind == "pid" else [child.pid]
        return [pid for pid in candidates if read(f"/proc/{pid}/cmdline").startswith("\0".join(words))]

    try:
        wait_for(lambda: bool(started()))
        yield started()[0]
    finally:
        child.kill()
        child.wait()


def wait_for(condition: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
