# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tests where they cannot harm the machine, and prove that they did not.

    sealed.py --fetch 'COMMAND' [--beside 'COMMAND'] -- COMMAND ...

Each command runs in namespaces of its own (all but user and time), under an init of its own that ends whatever it
leaves. All file systems are read-only there, except the checkout and private, empty /tmp, /var/tmp, /run and /dev/shm;
/dev has no disks. The one that fetches comes first, and keeps the machine's network, and its /run, read-only. The
others have nothing but a loopback. The one beside runs at the same time as the last one, and is heard after it.

Two comparisons follow. Inside, where nobody else lives, *everything* that a command left counts. Outside, where other
people's processes go on, what nobody but an administrator changes is compared: mounts, interfaces, sysctls, names,
/run and /etc. What comes and goes there anyhow (/tmp, processes) cannot be ours: a file that the init writes to each of
these folders must not appear outside, and nothing leaves a process-id namespace whose init has ended; a marker in the
environment of every process checks that too.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import ctypes
import fcntl
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    import types

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".ansible/home"
# For the tools, a folder for each command, so that what is in /tmp afterwards comes from what they test.
TEMPORARY = ROOT / ".ansible/tmp"
MARKER = "LINUX_NAMESPACES_TESTS"
SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")
NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--cgroup")

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC, MS_RELATIME = 1 << 10, 1 << 11, 1 << 12, 1 << 14, 1 << 21
MNT_DETACH = 2
KEPT_FLAGS = {
    "nosuid": MS_NOSUID,
    "nodev": MS_NODEV,
    "noexec": MS_NOEXEC,
    "noatime": MS_NOATIME,
    "nodiratime": MS_NODIRATIME,
    "relatime": MS_RELATIME,
}
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
# Sysctls that the kernel itself goes on changing.
LIVELY = re.compile(r"kernel/(random/|ns_last_pid|pty/nr|perf_event_max_sample_rate|sched_domain/)|net/.*/(lo|neigh)/")

Snapshot = t.Counter[str]
libc = ctypes.CDLL(None, use_errno=True)


# ---- the state of a machine, as lines of text


def mounts() -> t.Iterator[str]:
    # Without the ids (36 35 ...), which say nothing to a reader.
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        yield "mount " + " ".join(line.split()[3:])


def interfaces() -> t.Iterator[str]:
    for interface in sorted(Path("/sys/class/net").iterdir()):
        index, address = ((interface / name).read_text().strip() for name in ("ifindex", "address"))
        yield f"interface {interface.name} {index} {address}"


def sysctls() -> t.Iterator[str]:
    base = Path("/proc/sys")
    for part in ("user", "kernel", "fs/mqueue", "net/core", "net/ipv4"):
        for path in sorted((base / part).rglob("*")):
            name = str(path.relative_to(base))
            if path.is_dir() or LIVELY.match(name):
                continue
            try:
                yield f"sysctl {name} = {' '.join(path.read_text().split())}"
            except OSError:
                continue  # write-only, or of a protocol that is not there


def names() -> t.Iterator[str]:
    yield f"hostname {socket.gethostname()}"
    yield f"domainname {Path('/proc/sys/kernel/domainname').read_text().strip()}"


def files(folder: str, *, deep: bool = False) -> t.Iterator[str]:
    """Every entry with its type, and what holds something with its size and time."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        line = f"file {entry.path} {stat.filemode(status.st_mode)}"
        if not stat.S_ISDIR(status.st_mode):
            line += f" {status.st_size} bytes, {status.st_mtime_ns}"
        elif entry.path == str(ROOT):
            continue
        elif deep:
            yield from files(entry.path, deep=True)
        yield line


def processes() -> t.Iterator[str]:
    for pid in sorted(map(int, filter(str.isdigit, os.listdir("/proc")))):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            yield f"process {pid} {command or Path(f'/proc/{pid}/comm').read_text().strip()}"
        except OSError:
            continue


def ipc() -> t.Iterator[str]:
    for kind in ("msg", "sem", "shm"):
        for line in Path("/proc/sysvipc", kind).read_text().splitlines()[1:]:
            yield f"ipc {kind} {' '.join(line.split()[:3])}"


def machine() -> Snapshot:
    """What stays the same on a machine where other people's processes go on."""
    return collections.Counter(
        [*mounts(), *interfaces(), *sysctls(), *names(), *files("/run"), *files("/etc", deep=True)],
    )


def seal_content() -> Snapshot:
    """Everything inside the seal."""
    lines = [*mounts(), *interfaces(), *sysctls(), *names(), *processes(), *ipc(), *files("/dev/mqueue")]
    for folder in ("/run", "/etc", *SCRATCH):
        lines += files(folder, deep=True)
    return collections.Counter(lines)


def difference(before: Snapshot, after: Snapshot) -> list[str]:
    return [f"  - {line}" for line in sorted((before - after).elements())] + [
        f"  + {line}" for line in sorted((after - before).elements())
    ]


def marked_processes(marker: str) -> list[str]:
    found = []
    for line in processes():
        try:
            environment = Path("/proc", line.split()[1], "environ").read_bytes()
        except OSError:
            continue
        if f"{MARKER}={marker}".encode() in environment.split(b"\0"):
            found.append(f"  + {line}")
    return found


# ---- inside the seal


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    if libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), target)


def unescape(path: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)


def below(path: str, *folders: str) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def make_read_only() -> None:
    """Every mount but the kernel's own file systems, which get fresh ones where it matters."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        target = unescape(fields[4])
        if below(target, "/proc", "/sys", "/dev", str(ROOT)):
            continue
        flags = sum(KEPT_FLAGS.get(option, 0) for option in fields[5].split(","))
        try:
            mount("none", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | flags)
        except OSError:
            # Hidden below another mount, or a file system of a user that keeps root out.
            libc.umount2(target.encode(), MNT_DETACH)


def private_dev() -> None:
    """A /dev with what programs expect, and nothing that reaches a disk."""
    wanted = ("null", "zero", "full", "random", "urandom", "tty", "net/tun", "fuse")
    nodes = {name: os.stat(f"/dev/{name}") for name in wanted if os.path.exists(f"/dev/{name}")}
    mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "mode=755")
    for name, status in nodes.items():
        os.makedirs(os.path.dirname(f"/dev/{name}"), exist_ok=True)
        os.mknod(f"/dev/{name}", stat.S_IFCHR, status.st_rdev)
        os.chmod(f"/dev/{name}", 0o666)
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        os.symlink(f"/proc/self/fd{target}", f"/dev/{name}")
    os.symlink("pts/ptmx", "/dev/ptmx")
    for name in ("pts", "shm", "mqueue"):
        os.mkdir(f"/dev/{name}")
    mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666")
    mount("mqueue", "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def private_sys() -> None:
    """The sysfs of this network namespace, with the cgroups of the machine."""
    cgroup = os.open("/sys/fs/cgroup", os.O_PATH)
    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount(f"/proc/self/fd/{cgroup}", "/sys/fs/cgroup", flags=MS_BIND | MS_REC)
    os.close(cgroup)


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", request)[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def seal(*, online: bool) -> None:
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount(str(ROOT), str(ROOT), flags=MS_BIND)
    checkout = os.open(ROOT, os.O_PATH)
    make_read_only()
    if not online:
        loopback_up()
        private_sys()
    private_dev()
    for folder in SCRATCH if online else (*SCRATCH, "/run"):
        if not os.path.islink(folder):
            mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755" if folder == "/run" else "mode=1777")
    if not os.path.isdir(ROOT):  # one of these folders hid it
        os.makedirs(ROOT)
        mount(f"/proc/self/fd/{checkout}", str(ROOT), flags=MS_BIND)
    os.close(checkout)
    os.chdir(ROOT)
    if not online:
        os.mkdir("/run/mount")  # mount(8) keeps it


def probe(marker: str) -> None:
    """Write where the tests might; the file must not appear outside."""
    for folder in probed():
        with contextlib.suppress(OSError):  # read-only, as it should be
            Path(folder, marker).touch()


def probed() -> tuple[str, ...]:
    return (*SCRATCH, "/run", "/etc", "/root", "/var/lib", "/home")


def init(command: list[str], marker: str, lifeline: int, *, online: bool) -> int:
    """Be PID 1: seal, run, reap, and end with the command or with the caller."""
    threading.Thread(target=end_with_caller, args=[lifeline], daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end_at_signal)
    seal(online=online)
    probe(marker)
    before = seal_content()
    child = subprocess.Popen(command, env=environment(marker, online=online))
    while child.returncode is None:
        pid, status = os.wait()
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
    # Give what is just ending a moment, as a machine would.
    deadline = time.monotonic() + 2
    while left := [] if online else difference(before, seal_content()):
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
        reap()
    if left:
        print("\nThe tests left behind, in the seal:", *left, sep="\n", flush=True)
    code = child.returncode if child.returncode >= 0 else 128 - child.returncode
    return code or (1 if left else 0)


def end_with_caller(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(1)  # and with PID 1 the rest


def end_at_signal(number: int, frame: types.FrameType | None) -> None:
    del frame
    os._exit(128 + number)


def reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def environment(marker: str, *, online: bool) -> dict[str, str]:
    """The caller's, to fetch (proxies, indexes); for the tests, nothing of what differs between machines."""
    if online:
        return {**os.environ, MARKER: marker}
    kept = ("PATH", "TMPDIR", "TERM", "CI", "NO_COLOR", "FORCE_COLOR", "HYPOTHESIS_PROFILE")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        MARKER: marker,
        "HOME": str(HOME),
        "ANSIBLE_REMOTE_TEMP": os.environ["TMPDIR"],
        "LANG": "C.UTF-8",
        "USER": "root",
    }


# ---- outside


def run_sealed(commands: list[list[str]], marker: str, *, online: bool) -> int:
    """Run the commands at the same time; the first of their codes that is not 0."""
    shutil.rmtree(TEMPORARY, ignore_errors=True)
    lifeline, ours = os.pipe()
    seals = []
    try:
        for number, command in enumerate(commands):
            temporary = TEMPORARY / str(number)
            temporary.mkdir(parents=True)
            log = temporary.with_suffix(".log") if number else None
            seals.append((start(command, marker, lifeline, temporary, log, online=online), log))
        os.close(lifeline)
        codes = [follow(process, log) if log else process.wait() for process, log in seals]
        return next(filter(None, codes), 0)
    except KeyboardInterrupt:
        return 130
    finally:
        os.close(ours)
        for process, _log in seals:
            process.wait()


def start(
    command: list[str],
    marker: str,
    lifeline: int,
    temporary: Path,
    log: Path | None,
    *,
    online: bool,
) -> subprocess.Popen[bytes]:
    namespaces = NAMESPACES if online else (*NAMESPACES, "--net")
    inside = ["--inside", marker, "--lifeline", str(lifeline), *(["--online"] if online else []), "--", *command]
    with log.open("wb") if log else contextlib.nullcontext() as output:
        return subprocess.Popen(
            [
                *("unshare", *namespaces, "--propagation", "private", "--fork", "--kill-child"),
                *(sys.executable, "-I", __file__, *inside),
            ],
            stdin=None if is_terminal() and not log else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[lifeline],
            env={**os.environ, "TMPDIR": str(temporary)},
        )


def follow(process: subprocess.Popen[bytes], log: Path) -> int:
    """Pass on what it says, until it ends."""
    with log.open(errors="replace") as output:
        while process.poll() is None:
            print(output.read(), end="", flush=True)
            time.sleep(0.2)
        print(output.read(), end="", flush=True)
    return process.returncode


def is_terminal() -> bool:
    try:
        return os.isatty(0)
    except OSError:
        return False


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fetch", type=shlex.split)
    parser.add_argument("--beside", type=shlex.split)
    parser.add_argument("--inside")
    parser.add_argument("--lifeline", type=int)
    parser.add_argument("--online", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if options.inside:
        return init(options.command, options.inside, options.lifeline, online=options.online)

    HOME.mkdir(parents=True, exist_ok=True)
    lock = os.open(HOME, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("Something runs sealed in this checkout already, with the same temporary files: wait for its end.")
    marker = f"linux-namespaces-{secrets.token_hex(8)}"
    started = time.monotonic()
    before = machine()
    code = run_sealed([options.fetch], marker, online=True) if options.fetch else 0
    fetched = time.monotonic()
    commands = [options.command, *([options.beside] if options.beside else [])]
    code = code or run_sealed(commands, marker, online=False)
    ended = time.monotonic()
    left = difference(before, machine()) + marked_processes(marker)
    left += [f"  + file {folder}/{marker}" for folder in probed() if os.path.lexists(f"{folder}/{marker}")]
    if left:
        print("\nThe machine is not the same as before:", *left, sep="\n")
    verdict = "FAILED" if code or left else "PASSED"
    print(
        f"\n{verdict}: fetched in {fetched - started:.0f} s, tested in {ended - fetched:.0f} s;",
        "the machine changed, see above." if left else "the machine is the same as before.",
        flush=True,
    )
    return code or (1 if left else 0)


if __name__ == "__main__":
    sys.exit(main())
