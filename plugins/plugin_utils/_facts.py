# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""Facts of ns_facts as the filters read them, checked before anything is made of them."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._kernel import nstypes

SCHEMA = 1

Facts = t.Dict[str, t.Any]
Namespace = t.Dict[str, t.Any]

_NOTHING = type(None)
_NAMESPACE: t.Mapping[str, tuple[type, ...]] = {
    "type": (str,),
    "inode": (int,),
    "id": (int, _NOTHING),
    "name": (str, _NOTHING),
    "owner": (int, _NOTHING),
    "parent": (int, _NOTHING),
    "processes": (int,),
    "leader": (dict, _NOTHING),
    "holders": (list,),
    "holder_counts": (dict,),
}
_HOLDER: t.Mapping[str, tuple[type, ...]] = {"kind": (str,), "namespace": (int, _NOTHING)}
_SCAN: t.Mapping[str, tuple[type, ...]] = {"incomplete_because": (list, _NOTHING), "blind": (list, _NOTHING)}
_RANKS = {name: rank for rank, name in enumerate(nstypes.BY_NAME)}


def read(given: t.Any, filter_name: str) -> Facts:
    """The facts, given as they are or with all the others of a host. Raises AnsibleFilterError for what is none."""
    if isinstance(given, dict) and "linux_namespaces" in given:
        given = given["linux_namespaces"]
    if not isinstance(given, dict) or "schema" not in given:
        raise refuse(filter_name, "it takes the facts of linux.namespaces.ns_facts (ansible_facts.linux_namespaces)")
    if given["schema"] != SCHEMA:
        raise refuse(filter_name, f"the facts have the schema {given['schema']!r}, and this collection knows {SCHEMA}")
    if "namespaces" not in given:
        raise refuse(filter_name, "the facts only count: gather them without detail: summary")
    if not _is_sound(given):
        raise refuse(filter_name, "the facts are damaged")
    return given


def _is_sound(facts: Facts) -> bool:
    """Whether what the filters read is of the type that it should be."""
    namespaces = facts["namespaces"]
    return (
        _has(facts.get("scan"), _SCAN)
        and isinstance(namespaces, list)
        and all(
            _has(namespace, _NAMESPACE)
            and all(_has(holder, _HOLDER) for holder in namespace["holders"])
            and all(isinstance(count, int) for count in namespace["holder_counts"].values())
            for namespace in namespaces
        )
    )


def _has(given: t.Any, fields: t.Mapping[str, tuple[type, ...]]) -> bool:
    return isinstance(given, dict) and all(isinstance(given.get(key), kinds) for key, kinds in fields.items())


def refuse(filter_name: str, cause: str) -> AnsibleFilterError:
    """The error of a filter."""
    return AnsibleFilterError(f"linux.namespaces.{filter_name}: {cause}")


def order(namespace: Namespace) -> tuple[int, int]:
    """To sort by: the type, and the inode."""
    return _RANKS.get(namespace["type"], len(_RANKS)), namespace["inode"]


def label(namespace: Namespace) -> str:
    """What people call it: its type, its name, its id and its inode."""
    words = [namespace["type"], *([visible(namespace["name"])] if namespace.get("name") else [])]
    number = namespace.get("id")
    return f"{' '.join(words)}{'' if number is None else f'  id {number}'}  [{namespace['inode']}]"


def visible(text: object) -> str:
    """The same with every character that a terminal might act upon as \\x1b and the like."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in str(text)
    )
