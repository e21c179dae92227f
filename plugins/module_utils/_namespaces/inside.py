# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What is set up once a process is inside: mounts, root, names, loopback. Never before that was checked."""

from __future__ import annotations

import contextlib
import errno
import os

from .._kernel import mount, mountinfo, netdev, nsfs, nstypes, procfs, uts
from .._kernel.descriptor import closing
from .checkpoint import Gate
from .definition import OPEN_PROPAGATIONS, Definition, MountPoint
from .errors import Hint, during

# A mount can't be bound while it is unbindable, and must not be shared before all is mounted.
_FIRST_PROPAGATION = {"unbindable": "private", "slave_shared": "slave"}
_LAST_PROPAGATION = {"unbindable": "unbindable", "slave_shared": "shared"}
_KERNEL_FILESYSTEM_FLAGS = mount.FLAGS["nosuid"] | mount.FLAGS["nodev"] | mount.FLAGS["noexec"]

_NO_LINKS = Hint("the path goes through a symbolic link, and somebody could point it elsewhere", "give the real path")
PATH_HINTS = {
    errno.ENOENT: Hint("there is nothing at that path", "create it before the task"),
    errno.ENOTDIR: Hint("a part of the path is no directory", "give the real path"),
    errno.ELOOP: _NO_LINKS,
    errno.EXDEV: _NO_LINKS,
}
_MOUNT_HINTS = {
    errno.ENODEV: Hint("this kernel does not know the file system", "load its module on the host"),
    errno.EINVAL: Hint("the file system does not take these options", "look into its manual page"),
    errno.EPERM: Hint(
        "this file system can't be mounted here: the user namespace has to own what it shows, "
        "and nothing may hide a part of the one that is mounted already (containers do)",
        "enter or create fewer namespaces, or leave the mount out (sysfs: false, mount_proc: false)",
    ),
    **PATH_HINTS,
}
_BIND_HINTS = {
    errno.EINVAL: Hint(
        "one of the two is a directory and the other is not, or the source is unbindable", "bind like to like"
    ),
}
_ROOT_HINTS = {
    errno.EINVAL: Hint("the task runs in a chroot, whose root is no mount point", "run it outside the chroot"),
}


def set_up(gate: Gate, definition: Definition, root: str | None) -> None:
    """Make the inside what it shall be. Raises NamespaceError.

    root is a path inside that becomes the root.
    """
    if nstypes.MNT in definition.types:
        _set_up_mounts(gate, definition, root)
    elif root is not None:
        with closing(_open(f"enter the root {root}", root)) as directory, during(f"enter the root {root}"):
            os.fchdir(directory)
            os.chroot(".")
    if nstypes.UTS in definition.types:
        _set_names(definition)
    if nstypes.NET in definition.types and definition.loopback:
        with during("set the loopback device up"):
            netdev.set_up("lo")


def _set_names(definition: Definition) -> None:
    if definition.hostname is not None:
        with during("set the hostname"):
            uts.set_hostname(definition.hostname)
    if definition.domainname is not None:
        with during("set the NIS domain name"):
            uts.set_domainname(definition.domainname)


def _set_up_mounts(gate: Gate, definition: Definition, root: str | None) -> None:
    """Propagation first, so that nothing mounted here gets out; what is to be shared among copies is so last."""
    propagation = definition.propagation
    first = _FIRST_PROPAGATION.get(propagation, propagation)
    _set_propagation(first)
    for item in definition.mounts:
        mount_item(item)
    operation = f"enter the root {root or '/'}"
    with closing(_open(operation, root or "/")) as directory, contextlib.ExitStack() as stack:
        top = directory
        if root is not None:
            with during(operation):
                top = stack.enter_context(closing(mount.clone_tree(directory, recursive=True)))
                mount.attach_tree(top, directory)
        own_only = first in OPEN_PROPAGATIONS
        if definition.mount_proc:
            _mount_kernel_filesystem("proc", "proc", top, own_only)
        # A jail that has no place for it needs none.
        if definition.mount_sysfs and (root is None or os.access("sys", os.F_OK, dir_fd=top)):
            _mount_sysfs(gate, top, own_only, _shows_foreign_cgroups(definition))
        if root is not None:
            with during(operation, _ROOT_HINTS):
                os.fchdir(top)
                mount.pivot_root_here()
                mount.detach_here()
                os.chdir("/")
    if propagation in _LAST_PROPAGATION:
        _set_propagation(_LAST_PROPAGATION[propagation])


def renew_proc(wanted: bool) -> None:
    """As the init of a new pid namespace, in a mount namespace that was there before: show it in /proc.

    That is done where it is wanted, and where /proc shows a pid namespace that has ended. Raises NamespaceError.
    """
    with closing(_open("look at /proc", "/proc")) as place, during("look at /proc"):
        dead = nsfs.filesystem_magic(place) == nsfs.PROC_SUPER_MAGIC and not procfs.own_pid(place)
    with closing(_open("mount a fresh proc at /proc", "/")) as top:
        if dead:
            with during("take off the old /proc"):
                mount.unmount(top, "proc", detach=True)
        if dead or wanted:
            _mount_kernel_filesystem("proc", "proc", top, own_only=False)


def _set_propagation(propagation: str) -> None:
    if propagation != "unchanged":
        operation = f"set the propagation of all mounts to {propagation}"
        with closing(_open(operation, "/")) as root, during(operation, _ROOT_HINTS):
            mount.set_propagation(root, propagation, recursive=True)


def mount_item(item: MountPoint) -> None:
    """Raises NamespaceError."""
    operation = f"mount {item.source} at {item.path}"
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(closing(_open(operation, item.path)))
        if not item.bind:
            with during(operation, _MOUNT_HINTS):
                mount.mount_filesystem(item.fstype, item.source, target, item.flags, item.data)
            return
        source = stack.enter_context(closing(_open(operation, item.source)))
        with during(operation, _BIND_HINTS), closing(mount.clone_tree(source, item.recursive)) as tree:
            mount.attach_tree(tree, target)
            if item.flags:
                mount.set_flags(tree, item.flags)


def _mount_kernel_filesystem(fstype: str, path: str, top: int, own_only: bool) -> bool:
    """Mount proc or sysfs at a path below the root; False where the one that is there shows these namespaces already.

    own_only: the namespace shares its mounts with the host, so the mount that is there is made private before.
    """
    operation = f"mount a fresh {fstype} at /{path}"
    with closing(_open(operation, path, top)) as target, during(operation, _MOUNT_HINTS):
        if own_only:
            mount.set_propagation(target, "private", recursive=True)
        read_only = mount.FLAGS["ro"] if os.fstatvfs(target).f_flag & os.ST_RDONLY else 0
        try:
            mount.mount_filesystem(fstype, fstype, target, read_only | _KERNEL_FILESYSTEM_FLAGS)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            return False
    return True


def _shows_foreign_cgroups(definition: Definition) -> bool:
    """Whether a new user namespace sees cgroups that are not its own: it must not change them (CVE-2023-25809)."""
    return nstypes.USER in definition.types and nstypes.CGROUP not in definition.types


def _mount_sysfs(gate: Gate, top: int, own_only: bool, read_only_cgroups: bool) -> None:
    """A /sys of the network namespace we are in, with what was mounted below the old one (the cgroups) kept."""
    operation = "keep what is mounted below /sys"
    with contextlib.ExitStack() as stack:
        trees: list[tuple[str, int]] = []
        with during(operation):
            for path in _mounts_below_sysfs(gate, top):
                held = stack.enter_context(closing(mount.open_path(path, top)))
                trees.append((path, stack.enter_context(closing(mount.clone_tree(held, recursive=True)))))
        if _mount_kernel_filesystem("sysfs", "sys", top, own_only):
            for path, tree in trees:
                with closing(_open(operation, path, top)) as target, during(operation):
                    mount.attach_tree(tree, target)
                    if read_only_cgroups and path == "sys/fs/cgroup":
                        mount.set_flags(tree, mount.FLAGS["ro"], recursive=True)


def _mounts_below_sysfs(gate: Gate, top: int) -> list[str]:
    """The mounts directly on the /sys of the root that is open as top, as paths below it."""
    mounts = mountinfo.read(gate.proc)
    # The kernel's own name of the root: the given one may have detours.
    prefix = os.readlink(f"self/fd/{top}", dir_fd=gate.proc).rstrip("/")
    sysfs = [item.id for item in mounts if item.path == prefix + "/sys"][-1:]
    return sorted({item.path[len(prefix) + 1 :] for item in mounts if item.parent in sysfs})


def _open(operation: str, path: str, directory: int | None = None) -> int:
    with during(operation, PATH_HINTS):
        return mount.open_path(path, directory)
