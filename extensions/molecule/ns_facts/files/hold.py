# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold namespaces in every way there is, one for each way, until SIGTERM.

    hold.py FOLDER

FOLDER/held.json says what is held, as soon as all of it is: by the name of the way the type, the inode and the 64-bit
id of a namespace, how many processes are in it, and its holders in the shape of ns_facts; or why the way is closed
here. FOLDER/ended.json says at the end what was left in the queue of a socket. All ends with this process.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
import traceback
import typing as t
from pathlib import Path

Said = t.Dict[str, t.Any]

# linux/sched.h
FILES = 0x400
NEW = {
    "time": 0x80,
    "mnt": 0x20000,
    "cgroup": 0x2000000,
    "uts": 0x4000000,
    "ipc": 0x8000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
# linux/mount.h
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
OPEN_TREE, OPEN_TREE_CLONE, AT_RECURSIVE = 428, 1, 0x8000
# linux/io_uring.h
IO_URING_SETUP, IO_URING_REGISTER, REGISTER_FILES = 425, 427, 2
# linux/nsfs.h, as on amd64 and arm64
NS_GET_ID = 0x8008B70D
# linux/if_tun.h
TUNSETIFF, IFF_TUN = 0x400454CA, 1
IN_ATTRIB = 4
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: int | bytes | ctypes.Array[t.Any] | None) -> int:
    """Call a function of the C library. Raises OSError."""
    result = int(getattr(libc, name)(*arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), name)
    return result


def unshare(*names: str) -> None:
    call("unshare", sum(NEW[name] for name in names))


def mount(source: str | Path, path: Path, fstype: str = "", flags: int = 0) -> None:
    call("mount", os.fsencode(source), os.fsencode(path), fstype.encode(), flags, None)


def detach(path: Path) -> None:
    """Take off what is mounted there, held or not."""
    call("umount2", os.fsencode(path), MNT_DETACH)


def own_mounts() -> None:
    """Have a mount namespace that nothing gets into or out of."""
    unshare("mnt")
    mount("none", Path("/"), flags=MS_REC | MS_PRIVATE)


# ---- processes


def start(work: t.Callable[[], Said], stay: t.Callable[[], object] = signal.pause) -> tuple[int, Said]:
    """Do the work in a child that stays until this process ends; its pid, and what the work returned."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            said = json.dumps(work())
            # After the work: a new user namespace loses it.
            call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL)
            os.write(writer, said.encode())
            os.close(writer)
            while True:
                stay()
        except BaseException:  # noqa: BLE001 - a child of a fork must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writer)
    # Not to the end: a thread's own table of descriptors keeps that open.
    answer = os.read(reader, 1 << 16)
    os.close(reader)
    if not answer:
        sys.exit("A child ended, and said why.")
    return pid, json.loads(answer)


@contextlib.contextmanager
def somebody(*names: str) -> t.Iterator[int]:
    """The pid of a process in new namespaces, made in this order."""

    def work() -> Said:
        for name in names:
            unshare(name)
        return {}

    pid, _said = start(work)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def made(name: str) -> int:
    """A descriptor of a new namespace that nobody is in."""
    with somebody(name) as pid:
        return os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)


# ---- what is said


def held(name: str, at: int | str, *holders: Said, processes: int = 0) -> Said:
    """What there is to say of the namespace of this type that is open, or at a path."""
    fd = os.dup(at) if isinstance(at, int) else os.open(at, os.O_RDONLY)
    number = bytearray(8)
    try:
        fcntl.ioctl(fd, NS_GET_ID, number)
    except OSError:
        found = None  # before Linux 6.18
    else:
        found = struct.unpack("Q", number)[0]
    inode = os.fstat(fd).st_ino
    os.close(fd)
    return {"type": name, "inode": inode, "id": found, "processes": processes, "holders": [*holders]}


def in_process(kind: str, **more: t.Any) -> Said:
    return {"kind": kind, "pid": os.getpid(), **more}


def bound(path: Path, mounts: Said, leader: int | None) -> Said:
    holder = {"kind": "bind", "path": str(path), "namespace": mounts["inode"]}
    return holder if leader is None else {**holder, "pid": leader}


# ---- the ways that take a process of their own


def process() -> Said:
    unshare("uts")
    return {"process": held("uts", "/proc/self/ns/uts", in_process("process"), processes=1)}


def for_children() -> Said:
    """A pid namespace is there once it has had an init."""
    unshare("pid")
    init = os.fork()
    if init == 0:
        os._exit(0)
    os.waitpid(init, 0)
    unshare("time")
    return {
        f"{name}_for_children": held(name, f"/proc/self/ns/{name}_for_children", in_process("for_children"))
        for name in ("time", "pid")
    }


def in_a_thread(work: t.Callable[[], object]) -> int:
    """The id of a thread that has done the work and stays."""
    done = threading.Event()

    def live() -> None:
        work()
        done.set()
        threading.Event().wait()

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    done.wait()
    return thread.native_id or 0


def threads() -> Said:
    """One is in a namespace of its own, one has a descriptor in a table of its own."""
    fd = made("ipc")
    elsewhere = in_a_thread(lambda: unshare("uts"))
    apart = in_a_thread(lambda: call("unshare", FILES))
    said = {
        "thread": held("uts", f"/proc/self/task/{elsewhere}/ns/uts", in_process("thread", thread=elsewhere)),
        "fd_of_thread": held("ipc", fd, in_process("fd", thread=apart, fd=fd)),
    }
    os.close(fd)
    return said


def without_first_thread() -> Said:
    unshare("uts")
    other = in_a_thread(lambda: None)
    return {"without_first_thread": held("uts", "/proc/self/ns/uts", in_process("thread", thread=other))}


def elsewhere(path: Path, root: Path | None = None) -> Said:
    """A mount in another mount namespace, whose only process may be in a root of its own."""
    own_mounts()
    fd = made("uts")
    mount(f"/proc/self/fd/{fd}", path, flags=MS_BIND)
    mounts = held("mnt", "/proc/self/ns/mnt")
    said = held("uts", fd, bound(path, mounts, os.getpid()))
    os.close(fd)
    if root is not None:
        os.chroot(root)
        os.chdir("/")
    return {path.name: said}


def adrift(folder: Path, how: str) -> Said:
    """In a folder of a tree of mounts that is mounted nowhere: open, as working directory, or as root."""
    own_mounts()
    (folder / "adrift/below").mkdir(parents=True, exist_ok=True)
    namespace = made("uts")
    bind(namespace, folder / "adrift/file")
    tree = call("syscall", OPEN_TREE, -1, os.fsencode(folder / "adrift"), OPEN_TREE_CLONE | AT_RECURSIVE)
    detach(folder / "adrift/file")
    below, outside = os.open("below", os.O_PATH, dir_fd=tree), os.open("/", os.O_PATH)
    os.close(tree)
    if how != "fd":
        os.fchdir(below)
        os.close(below)
    if how == "root":
        os.chroot(".")
        os.fchdir(outside)
    os.close(outside)
    holder = in_process(how, path="/../file", **({"fd": below} if how == "fd" else {}))
    said = held("uts", namespace, holder)
    os.close(namespace)
    return {f"{how}_adrift": said}


def between() -> Said:
    """Who was in the middle one of three user namespaces went on into the last one."""
    unshare("user")
    middle = held("user", "/proc/self/ns/user")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    for name in ("uid_map", "gid_map"):
        Path("/proc/self", name).write_text("0 0 1", encoding="ascii")
    unshare("user")
    last = held("user", "/proc/self/ns/user")
    return {"child": {**middle, "holders": [{"kind": "child", "namespace": last["inode"]}]}}


def wait_for_end(pid: int) -> None:
    """Until the first thread of a process, or all of it, has ended and was not reaped."""
    while Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)


def start_processes(folder: Path) -> tuple[list[int], Said]:
    """Their pids, and the ways that they hold something."""
    said: Said = {}
    pids = []
    for work, stay in (
        (process, signal.pause),
        (for_children, signal.pause),
        (threads, signal.pause),
        (without_first_thread, libc.pthread_exit),
        (lambda: elsewhere(folder / "elsewhere"), signal.pause),
        (lambda: elsewhere(folder / "outside", folder / "root"), signal.pause),
        (lambda: adrift(folder, "fd"), signal.pause),
        (lambda: adrift(folder, "cwd"), signal.pause),
        (lambda: adrift(folder, "root"), signal.pause),
        (between, signal.pause),
    ):
        pid, found = start(work, stay)
        if stay is not signal.pause:
            wait_for_end(pid)
        pids.append(pid)
        said.update(found)
    return pids, said


# ---- the ways of this process: mounts


def bind(fd: int, path: Path) -> Said:
    """Mount what is open, here, where PID 1 is."""
    path.touch()
    mount(f"/proc/self/fd/{fd}", path, flags=MS_BIND)
    return bound(path, held("mnt", "/proc/self/ns/mnt"), 1)


def mounted(folder: Path) -> Said:
    """Mounts that are there, one of them below another one."""
    fd = made("uts")
    said = {"bind": held("uts", fd, bind(fd, folder / "bind"))}
    os.close(fd)
    fd = made("ipc")
    said["covered"] = held("ipc", fd, bind(fd, folder / "covered"))
    os.close(fd)
    (folder / "cover").write_text("cover\n", encoding="ascii")
    mount(folder / "cover", folder / "covered", flags=MS_BIND)
    return said


def nested(folder: Path) -> Said:
    """A mount in a mount namespace that nothing but a mount holds.

    A mount namespace can be mounted in one with a lower id alone, and Linux 6.18 has ids of its own for each CPU.
    """
    inner = folder / "inner"
    inner.touch()
    allowed = os.sched_getaffinity(0)
    failed = None
    for cpu in allowed:
        os.sched_setaffinity(0, {cpu})
        pid, said = start(lambda: elsewhere(inner))
        mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
        try:
            said["outer"] = held("mnt", mounts, bind(mounts, folder / "outer"))
        except OSError as error:
            failed = error
        finally:
            os.close(mounts)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if "outer" in said:
            break
    os.sched_setaffinity(0, allowed)
    if "outer" not in said:
        raise failed or OSError("no CPU")
    # Nobody leads there any more.
    del said["inner"]["holders"][0]["pid"]
    return said


# ---- the ways of this process: descriptors, which stay open


def opened() -> Said:
    fd = made("ipc")
    said = {"fd": held("ipc", fd, in_process("fd", fd=fd))}
    with somebody("user", "uts") as pid:
        owned = held("uts", f"/proc/{pid}/ns/uts")
        said["owner"] = held("user", f"/proc/{pid}/ns/user", {"kind": "owned", "namespace": owned["inode"]})
        fd = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY)
    said["owned"] = {**owned, "holders": [in_process("fd", fd=fd)]}
    return said


def detached(folder: Path) -> Said:
    """What was mounted, and is open in some way after that."""
    said: Said = {}
    (folder / "tree").mkdir()
    for name, path in (("deleted", "deleted"), ("tree", "file"), ("tree_of_folder", "tree/file")):
        namespace = made("uts")
        place = folder / path
        bind(namespace, place)
        if name == "deleted":
            fd = os.open(place, os.O_RDONLY)
        else:
            clone, flags = (place, 0) if name == "tree" else (place.parent, AT_RECURSIVE)
            fd = call("syscall", OPEN_TREE, -1, os.fsencode(clone), OPEN_TREE_CLONE | flags)
        detach(place)
        if name == "deleted":
            place.unlink()
        below = {"path": "/file"} if name == "tree_of_folder" else {}
        said[name] = held("uts", namespace, in_process("fd", fd=fd, **below))
        os.close(namespace)
    return said


def of_network() -> Said:
    """A socket and a tun device belong to the network namespace that they were made in."""
    said: Said = {}
    back = os.open("/proc/self/ns/net", os.O_RDONLY)
    for name, make in (("socket", lambda: socket.socket().detach()), ("tun", tun)):
        unshare("net")
        try:
            said[name] = held("net", "/proc/self/ns/net", in_process("socket", fd=make()))
        except OSError as error:
            said[name] = {"closed": str(error)}
        call("setns", back, NEW["net"])
    os.close(back)
    return said


def tun() -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"held0", IFF_TUN))
    return fd


def watched() -> Said:
    fd = call("inotify_init1", 0)
    with somebody("cgroup") as pid:
        path = f"/proc/{pid}/ns/cgroup"
        call("inotify_add_watch", fd, path.encode(), IN_ATTRIB)
        return {"inotify": held("cgroup", path, in_process("watch", fd=fd))}


def registered(folder: Path) -> Said:
    """Files of an io_uring: one that is mounted besides, and one that nothing else holds."""
    fds = [made("uts"), made("uts")]
    try:
        ring = call("syscall", IO_URING_SETUP, 1, ctypes.create_string_buffer(120))
        call("syscall", IO_URING_REGISTER, ring, REGISTER_FILES, (ctypes.c_int * 2)(*fds), 2)
        if "uts:[" not in Path(f"/proc/self/fdinfo/{ring}").read_text(encoding="utf-8"):
            raise OSError("this kernel does not say which files an io_uring has")
        watch = in_process("watch", fd=ring)
        said = {
            "io_uring": held("uts", fds[0], bind(fds[0], folder / "io_uring"), watch),
            "io_uring_alone": held("uts", fds[1], watch),
        }
    except OSError as error:
        said = {name: {"closed": str(error)} for name in ("io_uring", "io_uring_alone")}
    for fd in fds:
        os.close(fd)
    return said


def sent(receiver: socket.socket, sender: socket.socket) -> Said:
    """Descriptors on their way through a socket, the second one behind the first."""
    said = {}
    holder = in_process("in_flight", fd=receiver.fileno())
    for name in ("in_flight", "behind"):
        fd = made("uts")
        said[name] = held("uts", fd, holder)
        socket.send_fds(sender, [name.encode()], [fd])
        os.close(fd)
    return said


def received(receiver: socket.socket) -> Said:
    """What is in the queue of the socket: by the text of the message the inode of what came with it."""
    said = {}
    receiver.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            text, fds, _flags, _address = socket.recv_fds(receiver, 100, 10)
            said[text.decode()] = [os.fstat(fd).st_ino for fd in fds]
    return said


# ---- all of it


def zombie() -> tuple[int, Said]:
    """A process that has ended and is not reaped."""

    def work() -> Said:
        unshare("user")
        return {"zombie": held("user", "/proc/self/ns/user")}

    pid, said = start(work)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    said["zombie"]["holders"].append({"kind": "zombie", "pid": pid})
    return pid, said


def write(path: Path, said: Said) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(said, indent=2), encoding="utf-8")
    new.rename(path)


def main(place: Path) -> None:
    folder = place / "mounts"
    folder.mkdir()
    mount("tmpfs", folder, "tmpfs")
    mount("none", folder, flags=MS_PRIVATE)
    for name in ("elsewhere", "outside"):
        (folder / name).touch()
    (folder / "root").mkdir()
    # These copy the mounts that there are.
    pids, said = start_processes(folder)
    said.update(nested(folder))
    pid, found = zombie()
    pids.append(pid)
    receiver, sender = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for more in (found, mounted(folder), opened(), detached(folder), of_network(), watched(), registered(folder)):
        said.update(more)
    said.update(sent(receiver, sender))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    write(place / "held.json", said)
    signal.sigwait({signal.SIGTERM})
    write(place / "ended.json", received(receiver))
    detach(folder)
    folder.rmdir()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
