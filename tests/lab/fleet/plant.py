# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make on this host what an audit has to find, and say what that is.

    plant.py SITUATION ...

As root. Prints the findings as JSON. Which namespace they are about the kernel says. Where something that was planted
before is no longer to be found, the id comes after `not`. Nothing here knows of the collection, but for these ids.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import json
import os
import secrets
import subprocess
import sys
import time
import typing as t
import uuid
from pathlib import Path

Found = tuple[str, str | None, int | str]
"""The id of a finding, the type of the namespace and its inode, or its name where it is there no more; None and how the
evidence begins where it is about none."""

SECONDS = 20
MANY = 1000
CLONE_NEWUTS = 0x04000000
MS_BIND = 4096
HOSTILE = "\"'>{{ 7 * 7 }}<script>\n\x1b[31m"

# What runs at last has the rest of the words in each of these.
IN_ITS_MOUNTS = ("sh", "-ec", 'unshare --net="$0" true; exec "$@"')
LISTEN = ("sh", "-ec", 'python3 -m http.server --bind 0.0.0.0 8088 >/dev/null 2>&1 & exec "$@"', "sh")
HAVE_A_ROOT = """\
mount -t tmpfs root /mnt
cd /mnt
mkdir usr proc old
mount --bind /usr usr
ln -s usr/bin usr/lib usr/lib64 .
mount -t proc proc proc
pivot_root . old
umount --lazy old
exec "$@"
"""
LEAVE = """\
import os, socket, sys
where, kind, held, *words = sys.argv[1:]
with open(where, "w") as file:
    file.write(str(os.stat("/proc/self/ns/" + kind).st_ino))
os.dup2(socket.socket().detach() if held == "socket" else os.open("/proc/self/ns/" + kind, os.O_RDONLY), 9)
os.execvp("nsenter", ["nsenter", f"--{kind}=/proc/1/ns/{kind}", *words])
"""
LOSE_POWER = """\
import os, sys, time
def end(event, told):
    if event == "open" and told[0] == "mnt":
        os.system("systemctl poweroff --force --force")
        time.sleep(60)
sys.addaudithook(end)
"""
_numbers = itertools.count(os.getpid() * 100)


# ---- how it is made


def of(rule: str, kind: str, path: str) -> Found:
    """What is found about the namespace that the path leads to."""
    return (rule, kind, os.stat(path).st_ino)


def run(*words: str) -> None:
    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def handle(kind: str, name: str) -> str:
    """Where a handle is by custom, with a file to mount it upon."""
    path = Path(f"/run/{kind}ns", name)
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        path.touch()
    return str(path)


def pinned(kind: str, name: str, *options: str) -> str:
    """A namespace that nothing but a handle keeps."""
    path = handle(kind, name)
    run("unshare", f"--{kind}={path}", *options, "true")
    return path


def service(name: str, *words: str, options: t.Sequence[str] = ()) -> str:
    """A service that does nothing at last; where its process is in /proc. The words run what comes after them."""
    nothing = ("sleep", str(next(_numbers)))
    run("systemd-run", "--quiet", "--collect", f"--unit=planted-{name}", *options, "--", *words, *nothing)
    return f"/proc/{wait(functools.partial(process, *nothing))}"


def earlier(name: str) -> str:
    """The same of one that is there."""
    asked = ["systemctl", "show", "--property=MainPID", "--value", f"planted-{name}"]
    return f"/proc/{subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()}"


def scope(*words: str, unit: str) -> str:
    """The same, not as a service of systemd's."""
    nothing = ("sleep", str(next(_numbers)))
    subprocess.Popen(
        ["systemd-run", "--quiet", "--scope", "--slice=machine", f"--unit={unit}.scope", *words, *nothing],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return f"/proc/{wait(functools.partial(process, *nothing))}"


def container(*words: str) -> str:
    """What an engine has: a scope of that name, a root of its own, and somebody on the host who waits."""
    fork = ("unshare", "--pid", "--fork", "--", *words)
    inside = ("unshare", "--mount", "--uts", "--ipc", "--cgroup", "--", "sh", "-ec", HAVE_A_ROOT, "sh")
    return scope(*fork, *inside, unit=f"libpod-{secrets.token_hex(32)}")


def two_containers() -> None:
    """With networks where podman has them."""
    for _each in range(2):
        container("nsenter", f"--net={pinned('net', f'netns-{uuid.uuid4()}')}", *LISTEN)


def left(kind: str, held: str) -> int:
    """The inode of a namespace that a process has made, has a file or a socket of, and has left."""
    where = Path(f"/run/left-{held}")
    service(held, "unshare", f"--{kind}", "python3", "-c", LEAVE, str(where), kind, held)
    inode = int(where.read_text())
    where.unlink()
    return inode


def process(*words: str) -> int | None:
    """Who runs this command."""
    line = "".join(f"{word}\0" for word in words).encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == line:
                return int(path.parent.name)
        except OSError:
            continue
    return None


def wait(until: t.Callable[[], t.Any]) -> t.Any:
    """What comes about at last."""
    limit = time.monotonic() + SECONDS
    while not (found := until()):
        if time.monotonic() > limit:
            raise SystemExit(f"This did not come about: {until}")
        time.sleep(0.02)
    return found


# ---- situations


def bind_only() -> t.Iterator[Found]:
    yield of("leak-bind-only", "net", pinned("net", "forgotten"))


def hostile_name() -> t.Iterator[Found]:
    yield of("leak-bind-only", "uts", pinned("uts", HOSTILE))


def fd_only() -> t.Iterator[Found]:
    yield ("leak-fd-only", "uts", left("uts", "fd"))


def socket_only() -> t.Iterator[Found]:
    yield ("leak-socket-only", "net", left("net", "socket"))


def init_dead() -> t.Iterator[Found]:
    path = pinned("pid", "dead", "--fork")
    yield of("leak-bind-only", "pid", path)
    yield of("pid-init-dead", "pid", path)


def dangling() -> t.Iterator[Found]:
    yield ("handle-dangling", None, handle("net", "dangling"))


def stacked() -> t.Iterator[Found]:
    for _twice in range(2):
        path = pinned("ipc", "stacked")
        yield of("leak-bind-only", "ipc", path)
    yield ("handle-stacked", None, path)


def shadowed() -> t.Iterator[Found]:
    path = pinned("cgroup", "shadowed")
    yield of("leak-bind-only", "cgroup", path)
    run("mount", "-t", "tmpfs", "shadow", str(Path(path).parent))
    yield ("handle-shadowed", None, path)


def hidden() -> t.Iterator[Found]:
    """For all others it is a file that leads nowhere."""
    path = handle("net", "hidden")
    inside = service("hidden", *IN_ITS_MOUNTS, path, options=["--property=PrivateMounts=yes"]) + f"/root{path}"
    yield of("leak-bind-only", "net", inside)
    yield of("handle-hidden", "net", inside)
    yield ("handle-dangling", None, path)


def owned_by_a_user() -> t.Iterator[Found]:
    where = service("owned", "unshare", "--user", "--map-root-user", options=["--uid=ops"])
    yield ("userns-unprivileged", None, "user.max_user_namespaces")
    yield of("userns-ordinary-owner", "user", f"{where}/ns/user")


def unmapped() -> t.Iterator[Found]:
    where = service("unmapped", "unshare", "--user", options=["--uid=ops"])
    yield of("userns-ordinary-owner", "user", f"{where}/ns/user")


def overlapping() -> t.Iterator[Found]:
    """As newuidmap(1) makes them, which leaves setgroups(2) to them, for a host where there may be none."""
    yield ("userns-enabled", None, "user.max_user_namespaces")
    for user, first in (("ops", 200000), ("asked", 200500)):
        where = service(user, "unshare", "--user", options=[f"--uid={user}"])
        for kind in ("uid_map", "gid_map"):
            Path(where, kind).write_text(f"0 {first} 1000")
        yield of("userns-ordinary-owner", "user", f"{where}/ns/user")
        yield of("userns-setgroups", "user", f"{where}/ns/user")
    yield of("userns-overlap", "user", f"{where}/ns/user")


def maps_root() -> t.Iterator[Found]:
    where = scope("unshare", "--user", "--map-root-user", unit="planted")
    yield of("userns-maps-root", "user", f"{where}/ns/user")


def host_network() -> t.Iterator[Found]:
    yield of("host-network", "mnt", f"{container()}/ns/mnt")


def shared_mounts() -> t.Iterator[Found]:
    where = service("shared", "unshare", "--mount", "--propagation=shared")
    yield of("mounts-shared", "mnt", f"{where}/ns/mnt")


def listener() -> t.Iterator[Found]:
    """All but the network is the host's, for a host where that may not be."""
    where = service("listener", "unshare", "--net", *LISTEN)
    wait(lambda: ":1F98 " in Path(where, "net/tcp").read_text())
    for rule in ("listener-hidden", "host-pid", "host-ipc", "host-user"):
        yield of(rule, "net", f"{where}/ns/net")


def nested() -> t.Iterator[Found]:
    where = service("nested", *("unshare", "--user", "--map-root-user") * 28)
    yield of("nesting-deep", "user", f"{where}/ns/user")


def many() -> t.Iterator[Found]:
    """Hundreds of sets, for a host that is told of them and has a low threshold."""
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(MANY):
        path = handle("uts", f"many-{number}")
        if libc.unshare(CLONE_NEWUTS) or libc.mount(b"/proc/self/ns/uts", path.encode(), None, MS_BIND, None):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    yield ("limit-near", None, "user.max_uts_namespaces")


def containers() -> t.Iterator[Found]:
    """As many as there are on a host where that is all it does."""
    for _each in range(7):
        container("unshare", "--net")
    yield from ()


def quiet() -> t.Iterator[Found]:
    """Two containers, and a unit with all the sandboxes that systemd has."""
    two_containers()
    private = ("PrivateNetwork", "PrivateTmp", "PrivateUsers", "PrivateIPC", "PrivateDevices", "ProtectHostname")
    service("sandbox", "env", options=[f"--property={name}=yes" for name in (*private, "DynamicUser")])
    yield from ()


def no_rights() -> t.Iterator[Found]:
    """For a host whose audit is no root's."""
    yield ("scan-incomplete", None, "")


def no_python() -> t.Iterator[Found]:
    for path in Path("/usr/bin").glob("python3*"):
        path.unlink()
    yield from ()


def power_loss() -> t.Iterator[Found]:
    """As soon as a namespace is opened."""
    for path in Path("/etc").glob("python3*/sitecustomize.py"):
        path.write_text(LOSE_POWER)
    yield from ()


# ---- what happens to these later


def later_made() -> t.Iterator[Found]:
    path = pinned("uts", "later")
    yield of("leak-bind-only", "uts", path)
    yield of("drift-added", "uts", path)


def later_removed() -> t.Iterator[Found]:
    path = handle("net", "forgotten")
    yield of("not leak-bind-only", "net", path)
    yield ("drift-missing", "net", "forgotten")
    run("ip", "netns", "delete", "forgotten")


def later_kept() -> t.Iterator[Found]:
    """By a handle as well."""
    held = f"{earlier('fd')}/fd/9"
    run("mount", "--bind", held, handle("uts", "kept"))
    yield of("not leak-fd-only", "uts", held)
    yield of("leak-bind-only", "uts", held)
    yield of("drift-holders", "uts", held)


def later_private() -> t.Iterator[Found]:
    """What the mounts of the host do comes in, and nothing gets out."""
    own = f"{earlier('shared')}/ns/mnt"
    run("nsenter", f"--mount={own}", "mount", "--make-rprivate", "/")
    yield of("not mounts-shared", "mnt", own)
    yield of("drift-propagation", "mnt", own)


def later_mapped() -> t.Iterator[Found]:
    where = earlier("unmapped")
    Path(where, "uid_map").write_text("0 300000 1000")
    yield of("drift-map", "user", f"{where}/ns/user")


def later_undone() -> t.Iterator[Found]:
    """A declared set is stopped; the containers have ended and others have begun, as happens every day."""
    yield ("drift-missing", "uts", "quiet-c")
    run("systemctl", "stop", "linux-namespaces@quiet-c.service")
    run("systemctl", "kill", "--signal=KILL", "libpod-*.scope")
    for path in Path("/run/netns").glob("netns-*"):
        run("ip", "netns", "delete", path.name)
    two_containers()


SITUATIONS: t.Mapping[str, t.Callable[[], t.Iterable[Found]]] = {
    made.__name__: made
    for made in (
        *(bind_only, hostile_name, fd_only, socket_only, init_dead, dangling, stacked, shadowed, hidden),
        *(owned_by_a_user, unmapped, overlapping, maps_root, host_network, shared_mounts, listener, nested, many),
        *(containers, quiet, no_rights, no_python, power_loss),
        *(later_made, later_removed, later_kept, later_private, later_mapped, later_undone),
    )
}

if __name__ == "__main__":
    print(json.dumps([found for name in sys.argv[1:] for found in SITUATIONS[name]()]))
