# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: inventory
short_description: One inventory host for each set of namespaces of a host
description:
  - Adds a host C(SET@HOST) to the inventory for each set of persistent namespaces of the hosts that other inventory
    sources have. Tasks for it run inside the set, by P(linux.namespaces.nsenter#become), so that its facts, its results
    and its variables are its own and not those of the host.
  - Which sets there are is written down in O(hosts), or known from facts that were cached, O(facts).
  - The source is a YAML file whose name ends with C(namespaces.yml) or C(namespaces.yaml). It comes after the sources
    of the hosts, C(ansible-playbook -i hosts.yml -i lab.namespaces.yml).
  - A host that is added has the variables that the inventory has for its host, those of groups and those of
    C(host_vars) and C(group_vars) beside the inventory too, and is in none of its groups, so that no play for the hosts
    runs once more in each set. It is in C(all).
  - Beside these it has C(ansible_host), where there is none, C(ansible_become), C(ansible_become_method),
    C(ansible_nsenter_name), C(ansible_nsenter_types) where types are given, and C(namespace_host), C(namespace_name)
    and C(namespace_types), which is empty where no types are known.
  - All that are added are in the group C(namespaces), and those of which it is known that they have a type in one like
    C(namespaces_net).
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
extends_documentation_fragment:
  - constructed
options:
  plugin:
    description: Says that the file is for this plugin.
    type: str
    required: true
    choices: [linux.namespaces.inventory]
  hosts:
    description:
      - The sets, by the name of a host or of a group that has the same sets on each host.
      - A list of names, or a dictionary that has by each name the list of the types to enter, or nothing for all.
    type: dict
    default: {}
  facts:
    description:
      - Add the sets that M(linux.namespaces.ns_facts) found on the hosts, as far as the fact cache has that still.
      - It takes a cache that lasts, as C(fact_caching = ansible.builtin.jsonfile).
    type: bool
    default: false
  names:
    description: Of the sets in the facts only those whose name one of these patterns matches, as in C(tenant-*).
    type: list
    elements: str
    default: ['*']
  types:
    description:
      - Enter namespaces of these types alone, of V(user), V(mnt), V(uts), V(ipc), V(net), V(cgroup), V(time), V(pid),
        where O(hosts) does not say which. By default all that the set has.
      - Sets in the facts that have not all of them are left out.
    type: list
    elements: str
seealso:
  - plugin: linux.namespaces.nsenter
    plugin_type: become
  - module: linux.namespaces.ns_persistent
  - module: linux.namespaces.ns_facts
notes:
  - What else is in the variables of the host keeps its meaning, as C(ansible_user) and C(ansible_become_password),
    which is that of sudo. A template in them that has C(inventory_hostname) gets C(SET@HOST).
  - Variables beside a playbook, and not beside the inventory, are not known here.
  - Of a directory of sources Ansible takes the files by name, so that this one has to have a late one, as
    C(zz.namespaces.yml).
  - Ansible makes no more than a warning of a source with an error, and goes on without its hosts. Have
    C(any_unparsed_is_failed = true) in the section C(inventory) of C(ansible.cfg).
  - Who says otherwise for all hosts, as with C(-e ansible_become=false) or C(-e ansible_become_method=sudo), has the
    tasks for C(SET@HOST) on the host itself. The notes of P(linux.namespaces.nsenter#become) have more of this kind.
"""

EXAMPLES = r"""
# lab.namespaces.yml: blue@r1, green@r1, and mgmt@ each host of the group routers
plugin: linux.namespaces.inventory
hosts:
  r1: [blue, green]
  routers:
    mgmt: [net, uts]

# tenants.namespaces.yml: what ns_facts found; tenants of gold in a group of their own
# plugin: linux.namespaces.inventory
# facts: true
# names: [tenant-*]
# types: [net]
# groups:
#   gold: namespace_name is match('tenant-gold-')
# keyed_groups:
#   - key: namespace_host
#     prefix: host
"""

import fnmatch
import typing as t

from ansible import constants
from ansible.errors import AnsibleParserError
from ansible.inventory.helpers import get_group_vars
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.plugins.loader import cache_loader
from ansible.utils.vars import combine_vars
from ansible.vars.plugins import get_vars_from_inventory_sources

from ..module_utils._kernel import nstypes
from ..module_utils._namespaces.errors import NamespaceError, refuse
from ..module_utils._namespaces.values import set_name

_GROUP = "namespaces"
_METHOD = "linux.namespaces.nsenter"
_FORGETFUL = ("memory", "ansible.builtin.memory")

Variables = t.Dict[str, t.Any]
Sets = t.Dict[str, t.List[str]]
"""The types to enter by the name of the set; none for all that it has."""


class InventoryModule(BaseInventoryPlugin, Constructable):
    """What core calls for each inventory source."""

    NAME = "linux.namespaces.inventory"

    def verify_file(self, path: str) -> bool:
        """Whether the source may be one of this plugin, by its name."""
        is_file = super().verify_file(path)  # type: ignore[no-untyped-call] # core's own has no annotations
        return bool(is_file) and path.endswith(("namespaces.yml", "namespaces.yaml"))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Add the hosts. Raises AnsibleParserError."""
        super().parse(inventory, loader, path, cache)
        self._known = inventory
        given = self._read_config_data(path)
        try:
            for key in given:
                if key not in self.option_definitions:
                    raise refuse(
                        key, "there is no such option", f"there are {', '.join(sorted(self.option_definitions))}"
                    )
            sets, known = self._sets(), {}
            if not sets and not self.get_option("facts"):
                raise refuse("hosts", "no set is named", "name some there, or say facts: true")
            if self.get_option("facts"):
                known = self._in_facts()
                if not known:
                    self.display.warning(f"{path}: the fact cache knows no sets; run ns_facts on the hosts first")
                for host, found in known.items():
                    sets[host] = {**self._chosen(found), **sets.get(host, {})}
            for host in sorted(sets):
                for name in sorted(sets[host]):
                    types = sets[host][name]
                    self._add(host, name, types, types or known.get(host, {}).get(name, []))
        except NamespaceError as error:
            raise AnsibleParserError(f"{path}: {error}") from error

    def _sets(self) -> dict[str, Sets]:
        """What is written down, by host. Raises NamespaceError."""
        default = _types("types", self.get_option("types") or [])
        sets: dict[str, Sets] = {}
        for place, given in self.get_option("hosts").items():
            option = f"hosts.{place}"
            for host in self._hosts(option, place):
                sets.setdefault(host, {}).update(_named(option, given, default))
        return sets

    def _hosts(self, option: str, place: str) -> list[str]:
        if place in self._known.hosts:
            return [place]
        if place == "all":  # core adds what other groups have when all sources were read
            return [name for name, host in self._known.hosts.items() if _GROUP not in map(str, host.get_groups())]
        if place in self._known.groups:
            return [host.name for host in self._known.groups[place].get_hosts()]
        raise refuse(option, "there is no such host or group", "name the inventory that has it before this one")

    def _in_facts(self) -> dict[str, Sets]:
        """All sets that the cache knows, by host, and the types that each has. Raises NamespaceError."""
        if constants.CACHE_PLUGIN in _FORGETFUL:  # type: ignore[attr-defined] # core makes it from its configuration
            raise refuse(
                "facts", "the fact cache forgets all at the end of a run", "set fact_caching to one that lasts"
            )
        cache: t.Any = cache_loader.get(constants.CACHE_PLUGIN)  # type: ignore[attr-defined] # the same
        found: dict[str, Sets] = {}
        for host in self._known.hosts:
            if cache.contains(host):
                for namespace in cache.get(host).get("linux_namespaces", {}).get("namespaces", []):
                    if namespace["name"] is not None:
                        types = found.setdefault(host, {}).setdefault(namespace["name"], [])
                        types.append(namespace["type"])
        return found

    def _chosen(self, found: Sets) -> Sets:
        """Those of the sets in the facts that are asked for, and what to enter of them."""
        types = self.get_option("types") or []
        patterns = self.get_option("names")
        return {
            name: types
            for name, there in found.items()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns) and set(types) <= set(there)
        }

    def _add(self, host: str, name: str, enter: list[str], known: list[str]) -> None:
        added = f"{name}@{host}"
        if added in self._known.hosts:
            raise NamespaceError(f"add the host {added}", "another inventory source has it", "leave it out there")
        variables = self._variables(host)
        variables.setdefault("ansible_host", host)
        variables.update(
            ansible_become=True,
            ansible_become_method=_METHOD,
            ansible_nsenter_name=name,
            namespace_host=host,
            namespace_name=name,
            namespace_types=known,
        )
        if enter:
            variables["ansible_nsenter_types"] = enter
        self._known.add_host(added)
        for key, value in variables.items():
            self._known.set_variable(added, key, value)
        self._group(added, known)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, added, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, added, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, added, strict=strict)

    def _variables(self, name: str) -> Variables:
        """All that the inventory has for a host."""
        host = self._known.hosts[name]
        sources = self._known.processed_sources
        groups = host.get_groups()
        found: Variables = get_group_vars(groups)
        for some in (
            get_vars_from_inventory_sources(self.loader, sources, groups, "all"),
            host.vars,
            get_vars_from_inventory_sources(self.loader, sources, [host], "all"),
        ):
            found = combine_vars(found, some)
        return found

    def _group(self, added: str, types: t.Iterable[str]) -> None:
        self._known.add_group(_GROUP)
        self._known.add_child(_GROUP, added)
        for kind in types:
            group = self._known.add_group(f"{_GROUP}_{kind}")
            self._known.add_child(_GROUP, group)
            self._known.add_child(group, added)


def _named(option: str, given: t.Any, default: list[str]) -> Sets:
    """The sets of a host as they are written down. Raises NamespaceError."""
    if isinstance(given, list):
        given = dict.fromkeys(given)
    if not isinstance(given, dict):
        raise refuse(option, f"{given!r} is neither a list of names nor a dictionary of them")
    return {set_name(option, str(name)): _types(f"{option}.{name}", types or default) for name, types in given.items()}


def _types(option: str, names: t.Any) -> list[str]:
    given = names if isinstance(names, list) else [names]
    unknown = [name for name in given if not isinstance(name, str) or name not in nstypes.BY_NAME]
    if unknown or given is not names:
        raise refuse(
            option, f"{[*unknown, names][0]!r} is no type of namespace", f"there are {', '.join(nstypes.BY_NAME)}"
        )
    return [*names]
