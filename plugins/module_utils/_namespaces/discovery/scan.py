# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What the sources of a scan have in common: the host they look at, and where they put what they find."""

from __future__ import annotations

import collections
import contextlib
import mmap
import os
import resource
import time
import typing as t

from ..._kernel import nsfs, procfs
from ..checkpoint import PATIENCE
from .files import Files
from .model import Namespace

# The kernel uses low numbers again; more mounts than that it has no memory for.
_MOST_MOUNTS = 1 << 24


class Scan:
    """A scan under way. Every namespace that was found is held open until close()."""

    def __init__(self, proc: int, sources: t.Iterable[str]) -> None:
        self.proc = proc
        self.deadline = time.monotonic() + PATIENCE
        """Until then all is looked at, or lost."""
        self.sources = frozenset(sources)
        """Where namespaces are looked for."""
        self.namespaces: dict[int, Namespace] = {}
        """By inode, which means no other one while they are held."""
        self.mounted_at: set[str] = set()
        """Where namespaces are mounted, in whatever mount namespace: what was opened there says that path."""
        self.stuck: collections.Counter[str] = collections.Counter()
        """Children that did not come to their end, by what was lost so."""
        self.mounts = mmap.mmap(-1, _MOST_MOUNTS)
        """By the number of a mount whether a mount namespace that was looked into shows it; children write here too."""
        self.reference: int | None = None
        """The inode of the mount namespace that others are compared with."""
        self.groups = mmap.mmap(-1, _MOST_MOUNTS)
        """By the number of a peer group whether that one has it; at 0 whether all of that is known."""
        self.devices: frozenset[str] | None = None
        """The numbers of the block devices that are mounted there, where all are known."""
        self.files = Files()
        """What files there say."""
        self.vanished = 0
        """Processes, and namespaces that were seen and gone before they could be held."""
        self.denied: collections.Counter[str] = collections.Counter()
        """What could not be looked at for lack of privilege, by the source that wanted to."""
        self.incomplete_because: dict[str, None] = {}
        """The reasons, each once."""
        self.blind: dict[str, None] = {}
        """What this kernel gives no view of."""
        self.device = os.stat(f"{procfs.own_pid(proc)}/ns/mnt", dir_fd=proc).st_dev
        """Where namespaces are files."""
        self._limit_of_files = resource.getrlimit(resource.RLIMIT_NOFILE)
        _limit_files(self._limit_of_files[1], self._limit_of_files[1])
        with contextlib.suppress(OSError):
            most = int(procfs.read(proc, "sys/fs/nr_open"))
            _limit_files(most, most)

    def close(self) -> None:
        """Let go of the namespaces."""
        for namespace in self.namespaces.values():
            os.close(namespace.fd)
        self.mounts.close()
        self.groups.close()
        _limit_files(*self._limit_of_files)

    def is_unknown(self, mount: int) -> bool:
        """Whether no mount namespace showed the mount of this number, though all were looked into."""
        return "mounts" in self.sources and not (mount < _MOST_MOUNTS and self.mounts[mount])

    def let_go(self, namespace: Namespace) -> None:
        """Forget one that nothing but the scan holds any more."""
        del self.namespaces[namespace.identity.inode]
        os.close(namespace.fd)
        self.vanished += 1

    def keep(self, fd: int) -> Namespace:
        """The namespace that is open there; the descriptor is the scan's from now on. Raises OSError."""
        return self._keep(fd, os.fstat(fd))

    def keep_all(self, descriptors: t.Iterable[int]) -> list[Namespace]:
        """As keep(), for each of these. Raises OSError."""
        left = list(descriptors)
        try:
            return [self.keep(left.pop()) for _each in range(len(left))]
        finally:
            for fd in left:
                os.close(fd)

    def keep_only(self, fd: int, inode: int) -> Namespace | None:
        """As keep(), where it is the namespace with that inode; None for another one. Raises OSError."""
        status = os.fstat(fd)
        if status.st_ino == inode:
            return self._keep(fd, status)
        os.close(fd)
        return None

    def _keep(self, fd: int, status: os.stat_result) -> Namespace:
        found = self.namespaces.get(status.st_ino)
        if found is not None:
            os.close(fd)
            return found
        try:
            identity = nsfs.Identity(status.st_ino, nsfs.id_of(fd))
            found = self.namespaces[status.st_ino] = Namespace(fd, nsfs.type_of(fd), status.st_dev, identity)
        except BaseException:
            os.close(fd)
            raise
        return found

    def keep_named(self, text: str, paths: t.Iterable[str]) -> Namespace | None:
        """The namespace that a link of /proc names (net:[4026531840]), opened by one of these paths in there.

        None where none of them leads to it any more, or the link says nothing.
        """
        if not text:
            return None
        inode = procfs.inode_of(text)
        known = self.namespaces.get(inode)
        if known is not None and text.startswith(f"{known.kind.name}:"):
            return known
        denied = False
        for path in paths:
            try:
                found = self.keep_only(os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc), inode)
            except (FileNotFoundError, ProcessLookupError):
                continue
            except PermissionError:
                denied = denied or is_there(self.proc, path)
                continue
            if found is not None:
                return found
        if denied:
            self.denied["processes"] += 1
        else:
            self.vanished += 1
        return None


def is_there(directory: int, path: str) -> bool:
    """Whether that is in /proc. Whoever follows a link of a task that ends is denied (EACCES), if it ends meanwhile."""
    with contextlib.suppress(OSError):
        os.stat(path, dir_fd=directory, follow_symlinks=False)
        return True
    return False


def _limit_files(soft: int, hard: int) -> None:
    """Of descriptors, one is held for each namespace of the host. More than the hard limit takes CAP_SYS_RESOURCE."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
