# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What a host declares: a file for each set, with the options of ns_persistent and ns_network, and its services."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import typing as t

from ..._kernel.descriptor import closing
from ..directory import open_directory
from ..errors import Hint, NamespaceError, during, refuse
from ..handle import of_set
from ..sets.model import Asked, kinds_of
from ..specs import DEFINITION, TYPE_NAMES, Spec, check
from ..values import refuse_unusable_text, set_name
from .folder import path_of
from .places import DEFINITIONS, service_unit_of, unit_of

VERSION = 1
_OTHERS_WRITE = 0o022
_UNIT_BYTES = 255 - len(".wants")
"""What leaves room for the name of a directory about the unit."""
_PREFIX = r"[A-Za-z0-9:_\\]([A-Za-z0-9:_.\\-]*[A-Za-z0-9:_.\\])?"
"""Of a unit. With a dash in front systemctl(1) takes it for an option, at its end it is of all that begin so."""
_OWN_UNIT = r"linux-namespaces(@.*|-.*:.*)?\.service"
_AGAIN = "run the role linux.namespaces.boot for it again, or remove the file"
_NETWORK = ("links", "routes", "rules", "sysctls", "purge")

_HINTS = {
    errno.ENOENT: Hint("the set is not declared", "declare it with the role linux.namespaces.boot"),
    errno.ELOOP: Hint("it is a symbolic link, and somebody could point it elsewhere", _AGAIN),
}

SERVICE: Spec = {
    "name": {"type": "str"},
    "argv": {"type": "list", "elements": "str"},
    "environment": {"type": "dict"},
    "user": {"type": "str"},
    "restart": {"type": "str", "choices": ["no", "on-failure", "always"], "default": "on-failure"},
    "unit": {"type": "str"},
}
SET: Spec = {
    "types": {"type": "list", "elements": "str", "choices": TYPE_NAMES},
    **DEFINITION,
    "network": {"type": "dict"},
    "services": {"type": "list", "elements": "dict", "options": SERVICE},
}


class Declared(t.NamedTuple):
    """A set as it is to be from the boot on."""

    name: str
    asked: Asked
    network: t.Mapping[str, t.Any] | None
    """As options; who has none needs nothing that is about networks."""
    services: tuple[t.Mapping[str, t.Any], ...]

    @property
    def path(self) -> str:
        """Its file."""
        return path_of(self.name)

    def handles(self) -> dict[str, str]:
        """The paths of its handles by type."""
        return {kind.name: of_set(self.name, kind).path for kind in self.asked.types or ()}

    def own_units(self) -> list[str]:
        """Those of the services that are declared with all that they run."""
        return [service_unit_of(self.name, service["name"]) for service in self.services if service.get("unit") is None]

    def taken_units(self) -> list[str]:
        """Those that are there already, for the set to have."""
        return [service["unit"] for service in self.services if service.get("unit") is not None]

    def given(self) -> dict[str, t.Any]:
        """The options that parse() makes this of."""
        types = {"types": [kind.name for kind in self.asked.types or ()]}
        more = {"network": self.network, "services": list(self.services)}
        return {**self.asked.options, **types, **{name: value for name, value in more.items() if value}}

    def text(self) -> str:
        """What its file has."""
        return json.dumps({"version": VERSION, **self.given()}, indent=2, sort_keys=True) + "\n"


def parse(name: str, given: t.Mapping[str, t.Any]) -> Declared:
    """What the options say of a set. Raises NamespaceError; what is about the network is looked at by networks.py."""
    set_name("name", name)
    refuse_unusable_text(given)
    check(SET, given)
    types = kinds_of(given.get("types"))
    if not types:
        raise refuse("types", "none is given", "say which types the set shall have")
    if len(unit_of(name)) > _UNIT_BYTES:
        raise refuse("name", "as the name of a unit it is too long, as each + takes four characters", "take another")
    network = given.get("network")
    if network is not None:
        _check_network(network, [kind.name for kind in types])
    services = tuple(given.get("services") or ())
    _check_services(name, services)
    options = {option: value for option, value in given.items() if option in DEFINITION and value is not None}
    return Declared(name, Asked(types, options), network, services)


def _check_network(network: t.Mapping[str, t.Any], types: t.Container[str]) -> None:
    if "net" not in types:
        raise refuse("network", "it describes a net namespace, and there is to be none", "add net to types")
    for name in network:
        if name not in _NETWORK:
            raise refuse(f"network.{name}", "there is no such option", "there are " + ", ".join(_NETWORK))


def _check_services(name: str, services: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    for number, service in enumerate(services):
        at = f"services[{number}]"
        if service.get("unit") is None:
            _check_service(at, name, service)
        else:
            _check_unit(at, service)
    units = [service.get("unit") or service["name"] for service in services]
    if len(set(units)) < len(units):
        raise refuse("services", "two have one name", "give each its own")


def _check_unit(at: str, service: t.Mapping[str, t.Any]) -> None:
    more = [option for option in service if option != "unit" and service[option] is not None]
    if more:
        raise refuse(f"{at}.{more[0]}", "the unit is there and says that itself", "leave it out")
    unit = service["unit"]
    if not re.fullmatch(_PREFIX + r"(@[A-Za-z0-9:_.\\@-]+)?\.service", unit) or len(unit) > _UNIT_BYTES:
        raise refuse(f"{at}.unit", f"{unit!r} is no name of a service", "write all of it, as web.service")
    if re.fullmatch(_OWN_UNIT, unit):
        raise refuse(f"{at}.unit", f"{unit} is one of those that are written here", "name another")


def _check_service(at: str, name: str, service: t.Mapping[str, t.Any]) -> None:
    for option in ("name", "argv"):
        if not service.get(option):
            raise refuse(f"{at}.{option}", "it is missing", "give name and argv, or the unit that is there")
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", service["name"]):
        raise refuse(f"{at}.name", f"{service['name']!r} is no name", "take letters, digits and _ . -")
    if len(service_unit_of(name, service["name"])) > _UNIT_BYTES:
        raise refuse(f"{at}.name", "with that of the set it is too long for a unit", "take a shorter one")
    _check_program(at, service["argv"][0])
    if service.get("user") is not None and not re.fullmatch("[A-Za-z0-9_][A-Za-z0-9_.-]*", service["user"]):
        raise refuse(f"{at}.user", f"{service['user']!r} is no name of a user, and no id")
    _check_environment(at, service.get("environment") or {})


def _check_program(at: str, path: str) -> None:
    # A unit with another path, see systemd.service(5), would only not start.
    if not re.fullmatch(r"/[^\x00-\x1f\x7f\"'\\]*(?<!/)", path):
        cause = f"{path!r} is no absolute path of a program without quotes, backslashes and the like"
        raise refuse(f"{at}.argv", cause, "write where the program is")


def _check_environment(at: str, environment: t.Mapping[str, t.Any]) -> None:
    for variable, value in environment.items():
        is_text = isinstance(value, str) and not re.search("[\ud800-\udfff]", value)
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", variable) or not is_text:
            raise refuse(f"{at}.environment", f"{variable}={value!r} is no variable", "give texts, numbers in quotes")


def read(name: str) -> Declared:
    """What is declared of a set.

    Raises NamespaceError for a file that is torn, of another version, no definition, or that others may change.
    """
    set_name("name", name)
    fd = open_directory(DEFINITIONS)
    path = path_of(name)
    with during(f"read {path}", _HINTS):
        if fd is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with closing(fd), closing(os.open(os.path.basename(path), flags, dir_fd=fd)) as file:
            _refuse_others(path, os.fstat(file))
            with open(file, "rb", closefd=False) as stream:
                text = stream.read()
    try:
        return _parse_text(name, path, text)
    except RecursionError:
        # The decoder may go deeper than what looks at it then.
        raise NamespaceError(f"read {path}", "it goes too deep", _AGAIN) from None


def _refuse_others(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NamespaceError(f"read {path}", "it is no file", _AGAIN)
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & _OTHERS_WRITE:
        raise NamespaceError(
            f"read {path}",
            f"others than root may change it (uid {status.st_uid}, mode {stat.S_IMODE(status.st_mode):o})",
            "see what it says, chown it to root and take away the right to write",
        )


def _parse_text(name: str, path: str, text: bytes) -> Declared:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise NamespaceError(f"read {path}", f"it is torn, or no JSON ({error})", _AGAIN) from None
    if not isinstance(given, dict) or "version" not in given:
        raise NamespaceError(f"read {path}", "it is no definition of a set", _AGAIN)
    version = given.pop("version")
    if version is not VERSION:
        cause = f"it is of version {version!r:.20}, and this program reads version {VERSION}"
        raise NamespaceError(f"read {path}", cause, _AGAIN)
    try:
        return parse(name, given)
    except NamespaceError as error:
        raise NamespaceError(f"read {path}", str(error), _AGAIN) from error
