# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The propagation of mounts: what it is, and how it becomes another. Source: mount_namespaces(7)."""

from __future__ import annotations

import collections
import contextlib
import os
import typing as t

from .._kernel import mount, mountinfo, nstypes, procfs
from .._kernel.descriptor import closing
from .checkpoint import Gate, answer_of
from .enter import join
from .errors import NamespaceError, during
from .handle import Handle
from .inside import PATH_HINTS
from .target import Target
from .visit import visit

Mounts = t.Sequence[mountinfo.Mount]


class Request(t.NamedTuple):
    """What a task asks; without a propagation it is only told what there is."""

    paths: tuple[str, ...]
    propagation: str | None
    recursive: bool
    bind_self: bool


class Change(t.NamedTuple):
    """A mount before and after; before is None where there was none, after where that can't be known beforehand."""

    path: str
    before: str | None
    after: str | None
    peer_group: int | None
    master: int | None


class Results(t.NamedTuple):
    """What was found at all paths, whether something is changed, and what does not go as the words say."""

    changes: tuple[Change, ...]
    changed: bool
    warnings: tuple[str, ...]


class _Elsewhere(t.NamedTuple):
    """The peer groups of mount namespaces, by inode, and whether these are all there are."""

    groups: t.Mapping[int, frozenset[int]]
    complete: bool


def run(proc: int, target: Target, request: Request, check: bool) -> Results:
    """Bring the mounts at the paths to what is asked, in the target's mount namespace or in our own.

    Raises NamespaceError.
    """

    wanted = request.propagation or ""
    elsewhere = _look_elsewhere(proc) if wanted.startswith("slave") else _Elsewhere({}, True)

    def work(gate: Gate) -> Results:
        join(target)
        return _Place(gate, request, check, elsewhere).bring()

    return answer_of(work, proc)


def word_of(item: mountinfo.Mount) -> str:
    """The propagation of a mount in one word."""
    if "shared" in item.propagation:
        return "slave_shared" if "master" in item.propagation else "shared"
    if "master" in item.propagation:
        return "slave"
    return "unbindable" if "unbindable" in item.propagation else "private"


def outcome(before: str, wanted: str, has_peers: bool | None) -> str | None:
    """What comes of it: only a mount that has peers can become their slave. None where that is not known."""
    if wanted == "slave":
        if before != "shared":
            return "slave" if before == "slave_shared" else before
        return None if has_peers is None else "slave" if has_peers else "private"
    if wanted == "slave_shared":
        if before in ("slave", "slave_shared"):
            return "slave_shared"
        if before == "shared":
            return None if has_peers is None else "slave_shared" if has_peers else "shared"
        return "shared"
    return wanted


def steps(before: str, after: str | None, wanted: str) -> tuple[str, ...]:
    """The words of mount(2) that lead there, in order."""
    if before == after:
        return ()
    if wanted == "slave_shared":
        return ("slave", "shared") if before == "shared" else ("shared",)
    if wanted == "shared" and before in ("slave", "slave_shared"):
        return ("private", "shared")
    return (wanted,)


class _Place:
    """The mount namespace that the mounts are in, as the process in it sees it."""

    def __init__(self, gate: Gate, request: Request, check: bool, elsewhere: _Elsewhere) -> None:
        self._gate = gate
        self._request = request
        self._check = check
        self._warnings: list[str] = []
        self._elsewhere = elsewhere

    def bring(self) -> Results:
        before = self._read()
        new = [path for path in self._request.paths if self._at(path, before) is None]
        if new and not self._request.bind_self:
            raise NamespaceError(
                f"look at the mount at {new[0]}",
                "it is no mount point",
                "say bind_self, or name the mount that it is on",
            )
        if not self._check:
            for path in sorted(new):
                self._bind_self(path)
        present = self._read()
        trees = [self._tree(path, present) for path in self._request.paths]
        reached = [self._within_reach(tree) for tree in trees]
        meant = {item.id: item for tree in reached for item in tree}
        # A mount that is changed too will be no peer afterwards.
        others = [item for item in present if item.id not in meant]
        expected = {number: self._expect(item, others) for number, item in meant.items()}
        changed = bool(new) or any(word_of(item) != expected[number] for number, item in meant.items())
        if changed and not self._check and self._request.propagation is not None:
            for tree, whole in zip(reached, trees):
                self._set(tree, expected, together=self._request.recursive and tree == whole)
        after = {item.id: item for item in self._read()}
        old = {item.id: word_of(item) for item in before}
        changes = [
            Change(
                item.path,
                old.get(item.id),
                expected[item.id] if self._check else word_of(after[item.id]),
                after[item.id].propagation.get("shared"),
                after[item.id].propagation.get("master"),
            )
            for item in meant.values()
        ]
        if self._check:
            changes += [Change(path, None, self._foretell(path, before), None, None) for path in new]
        return Results(tuple(changes), changed, tuple(self._warnings))

    def _read(self) -> list[mountinfo.Mount]:
        with during("read the mounts"):
            return mountinfo.read(self._gate.proc)

    def _at(self, path: str, mounts: Mounts) -> mountinfo.Mount | None:
        with closing(_open(path)) as fd, during(f"look at the mount at {path}"):
            return mountinfo.mount_at(self._gate.proc, fd, mounts)

    def _tree(self, path: str, mounts: Mounts) -> list[mountinfo.Mount]:
        """The mount at the path, with those below it if that is asked; none where the path is no mount point (yet)."""
        top = self._at(path, mounts)
        if top is None:
            return []
        found = [top]
        if self._request.recursive:
            below = collections.defaultdict(list)
            for item in mounts:
                if item.id != item.parent:
                    below[item.parent].append(item)
            for item in found:
                found += below[item.id]
        return found

    def _within_reach(self, tree: list[mountinfo.Mount]) -> list[mountinfo.Mount]:
        """All of the tree, where all of it can be set; else what is in sight."""
        return tree if all(map(self._can_be_set, tree)) else [item for item in tree if self._is_in_sight(item)]

    def _can_be_set(self, item: mountinfo.Mount) -> bool:
        """Whether it is within reach: no more than a step away, or not hidden by another mount."""
        wanted, before = self._request.propagation, word_of(item)
        if wanted is None or len(steps(before, outcome(before, wanted, True), wanted)) <= 1:
            return True
        return self._is_in_sight(item)

    def _is_in_sight(self, item: mountinfo.Mount) -> bool:
        with contextlib.suppress(NamespaceError):
            return self._at(item.path, (item,)) is not None
        return False

    def _expect(self, item: mountinfo.Mount, others: Mounts) -> str | None:
        wanted, before = self._request.propagation, word_of(item)
        if wanted is None:
            return before
        has_peers = self._has_peers(item, others) if before == "shared" and wanted.startswith("slave") else None
        after = outcome(before, wanted, has_peers)
        if after not in (wanted, None):
            self._warnings.append(f"{item.path} has no peers to be a slave of; it is {after} and not {wanted}")
        return after

    def _has_peers(self, item: mountinfo.Mount, others: Mounts) -> bool | None:
        """Whether another mount is in the peer group, in any mount namespace; None where not all can be looked at."""
        group = item.propagation["shared"]
        if any(other.propagation.get("shared") == group for other in others):
            return True
        here = procfs.namespaces(self._gate.proc, self._gate.pid())[nstypes.MNT].inode
        if any(group in groups for inode, groups in self._elsewhere.groups.items() if inode != here):
            return True
        return False if self._elsewhere.complete else None

    def _foretell(self, path: str, mounts: Mounts) -> str | None:
        """What a mount that is bound to itself would be: it begins as a copy, and peer, of the one that it is on."""
        with closing(_open(path)) as fd, during(f"look at the mount at {path}"):
            on = mountinfo.mount_of(self._gate.proc, fd, mounts)
        before = word_of(on) if on else "private"
        return outcome(before, self._request.propagation, True) if self._request.propagation else before

    def _bind_self(self, path: str) -> None:
        with contextlib.ExitStack() as stack, during(f"bind {path} to itself"):
            place = stack.enter_context(closing(_open(path)))
            tree = stack.enter_context(closing(mount.clone_tree(place, recursive=True)))
            mount.attach_tree(tree, place)

    def _set(self, meant: Mounts, expected: t.Mapping[int, str | None], together: bool) -> None:
        """Take each mount the steps that it needs.

        together: the last step is one call for the whole tree, which reaches the mounts that others hide, too.
        """
        wanted = self._request.propagation or ""
        todo = {item.id: (item, steps(word_of(item), expected[item.id], wanted)) for item in meant}
        for item, words in todo.values():
            for word in words[:-1] if together else words:
                self._set_one(item, word, recursive=False)
        if together and any(words for _item, words in todo.values()):
            self._set_one(meant[0], "shared" if wanted == "slave_shared" else wanted, recursive=True)

    def _set_one(self, item: mountinfo.Mount, word: str, recursive: bool) -> None:
        with closing(_open(item.path)) as fd, during(f"make {item.path} {word}"):
            if mountinfo.mount_at(self._gate.proc, fd, (item,)) is None:
                raise NamespaceError(
                    f"make {item.path} {word}", "another mount hides it", "take that one off, or leave it"
                )
            mount.set_propagation(fd, word, recursive)


def _look_elsewhere(proc: int) -> _Elsewhere:
    """The peer groups in the mount namespaces of all processes, and of all handles that we see."""
    found: dict[int, frozenset[int]] = {}
    complete = True
    for pid in procfs.pids(proc):
        try:
            inode = procfs.namespace_inode(proc, f"{pid}/ns/mnt")
            if inode not in found:
                found[inode] = _groups(mountinfo.parse(procfs.read(proc, f"{pid}/mountinfo")))
        except PermissionError:
            complete = False
        except OSError:
            continue
    with during("read the mounts"):
        handles = {
            item.root: Handle(nstypes.MNT, *os.path.split(item.path))
            for item in mountinfo.read(proc)
            if item.root.startswith("mnt:[") and int(item.root[5:-1]) not in found
        }
    with contextlib.closing(visit(proc, [((handle,), _groups_here) for handle in handles.values()])) as answers:
        for root, answer in zip(handles, answers):
            if isinstance(answer, NamespaceError):
                complete = False
            else:
                found[int(root[5:-1])] = frozenset(answer)
    return _Elsewhere(found, complete)


def _groups_here(gate: Gate) -> list[int]:
    with during("read the mounts"):
        return sorted(_groups(mountinfo.read(gate.proc)))


def _groups(mounts: Mounts) -> frozenset[int]:
    return frozenset(item.propagation["shared"] for item in mounts if "shared" in item.propagation)


def _open(path: str) -> int:
    with during(f"look at the mount at {path}", PATH_HINTS):
        return mount.open_path(path)
