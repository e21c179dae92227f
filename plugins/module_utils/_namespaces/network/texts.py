# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The texts and numbers of network options, each in the one form that the kernel's answers are compared with.

All raise NamespaceError for what can't be, with the option that it was given for.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import typing as t

from ..errors import refuse
from ..values import absolute_path, plain_number, set_name
from .model import TABLES

Address = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

LAST_U32 = 0xFFFFFFFF

_NAME_BYTES = 15
# isspace() of the kernel knows Latin-1; % makes a template of a name.
_NOT_IN_NAMES = frozenset(b"/:%\xa0\x7f" + bytes(range(0x21)))
# What the kernel keeps for sysctls of all interfaces, and what an unquoted yes or no in YAML comes to.
_NO_NAMES = frozenset((".", "..", "all", "default", "True", "False"))

_FLAGS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_SWAPPED = str.maketrans("./", "/.")


def number(option: str, value: t.Any, last: int, first: int = 0) -> int:
    """A number of plain digits in a range."""
    found = plain_number(option, value)
    if not first <= found <= last:
        raise refuse(option, f"{found} is not in the range from {first} to {last}")
    return found


def flag(option: str, value: t.Any) -> bool:
    """True or false, also as a word, or as 1 or 0."""
    found = value if isinstance(value, bool) else _FLAGS.get(str(value).lower())
    if found is None:
        raise refuse(option, f"{str(value)!r} is neither true nor false", "write true or false")
    return found


def interface(option: str, name: t.Any) -> str:
    """The name of a link, as the kernel takes it."""
    text = str(name)
    encoded = text.encode("utf-8", "surrogateescape")
    if len(encoded) > _NAME_BYTES:
        raise refuse(option, f"{text!r} has {len(encoded)} bytes, and the name of a link has {_NAME_BYTES} at most")
    if not encoded or text in _NO_NAMES or _NOT_IN_NAMES.intersection(encoded):
        raise refuse(
            option,
            f"{text!r} is no name of a link",
            "take 1 to 15 characters without white space, / : and %, not all and default; put yes and no in quotes",
        )
    return text


def master(option: str, name: str) -> str:
    """The name of a link, empty for none."""
    return name and interface(option, name)


def namespace(option: str, value: t.Any) -> str:
    """A set, the path of a handle, or empty for where the task runs."""
    text = str(value)
    if text.startswith("/"):
        return absolute_path(option, text)
    return text and set_name(option, text)


def mac(option: str, text: str) -> str:
    """The address of a network card, in small letters."""
    lower = text.lower()
    if not re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", lower):
        raise refuse(
            option, f"{text!r} is not six pairs of hexadecimal digits", "write it as '52:54:00:12:34:56', in quotes"
        )
    if int(lower[:2], 16) & 1 or not int(lower.replace(":", ""), 16):
        raise refuse(option, f"{text} is the address of no single card", "take one with an even first pair")
    return lower


def address(option: str, value: t.Any) -> str:
    """An address without a length; multicast too."""
    found = _address(option, str(value))
    if found.is_unspecified:
        raise refuse(option, f"{value} is any address and no certain one", "leave it out for any")
    return str(found)


def host(option: str, text: str) -> str:
    """The address of one host, without a length."""
    return str(_one_host(option, _address(option, text)))


def host_and_length(option: str, text: str) -> str:
    """The address of one host with the length of its prefix, all of it by default."""
    found, length = _split(option, text)
    return f"{_one_host(option, found)}/{length}"


def network(option: str, text: str) -> str:
    """A network, or the only address of one."""
    found, length = _split(option, text)
    meant = ipaddress.ip_network((found, length), strict=False)
    if meant.network_address != found:
        raise refuse(option, f"{text} has bits beyond its prefix", f"write {meant} for the network that it is in")
    return str(meant)


def mark(option: str, text: str) -> str:
    """The mark of a packet, and after a slash which bits of it count unless all do."""
    found = re.fullmatch(r"(0x[0-9a-f]{1,8}|[0-9]{1,10})(?:/(0x[0-9a-f]{1,8}|[0-9]{1,10}))?", text.lower())
    value, mask = (_integer(part) for part in found.groups(default=str(LAST_U32))) if found else (-1, -1)
    if not (0 <= value <= LAST_U32 and 0 <= mask <= LAST_U32):
        raise refuse(option, f"{text!r} is no mark", "write it as 7, 0x7 or 0x7/0xff, of 32 bits")
    if mask == 0:
        raise refuse(option, "a mask of 0 is any mark", "leave it out for any")
    return str(value) if mask == LAST_U32 else f"{value}/{mask}"


def table(option: str, text: t.Any) -> int:
    """The number of a routing table; some have names everywhere."""
    if str(text) in TABLES:
        return TABLES[str(text)]
    if not str(text).isdecimal():
        remedy = "write main, local, default or a decimal number; the names in rt_tables are not read"
        raise refuse(option, f"{str(text)!r} is no table", remedy)
    return number(option, text, LAST_U32, first=1)


def sysctl(option: str, name: t.Any) -> str:
    """The name of a sysctl of networks, with dots between its parts; a dot in a part is a / then, as in sysctl(8)."""
    text = str(name)
    separator = re.search(r"[./]", text)
    dotted = text.translate(_SWAPPED) if separator and separator.group() == "/" else text
    parts = dotted.split(".")
    if len(parts) < 2 or parts[0] != "net":
        raise refuse(option, f"{text!r} is no sysctl of networks", "their names start with net.")
    if any(re.search(r"[\s\x00-\x1f\x7f]", part) or part in ("", "/", "//") for part in parts):
        raise refuse(option, f"{text!r} is no name of a sysctl", "write it as net.ipv4.conf.eth0/100.rp_filter")
    return dotted


def sysctl_value(option: str, value: t.Any) -> str:
    """The numbers that a sysctl has, with a space between them."""
    numbers = str(value).split()
    if not numbers or not all(re.fullmatch(r"-?[0-9]{1,20}", item) for item in numbers):
        raise refuse(
            option,
            f"{str(value)!r} is no whole number, and no list of them",
            "write 1 for yes and 0 for no; a sysctl that is a word can not be set",
        )
    return " ".join(str(int(item)) for item in numbers)


def _address(option: str, text: str) -> Address:
    with contextlib.suppress(OSError, ValueError):
        return ipaddress.IPv4Address(socket.inet_pton(socket.AF_INET, text))
    with contextlib.suppress(OSError, ValueError):
        return ipaddress.IPv6Address(socket.inet_pton(socket.AF_INET6, text))
    raise refuse(option, f"{text!r} is no address", "write it as 10.0.0.1 or fd00::1")


def _split(option: str, text: str) -> tuple[Address, int]:
    """The address, and the length of the prefix after it."""
    before, slash, after = text.partition("/")
    found = _address(option, before)
    longest = found.max_prefixlen
    if not slash:
        return found, longest
    if not re.fullmatch(r"[0-9]{1,10}", after) or int(after) > longest:
        example = "/24" if found.version == 4 else "/64"
        raise refuse(
            option,
            f"{after!r} is no length of a prefix of {found}, which is from 0 to {longest}",
            f"write it as {found}{example}",
        )
    return found, int(after)


def _one_host(option: str, found: Address) -> Address:
    if found.is_unspecified or found.is_multicast:
        raise refuse(option, f"{found} is the address of no single host")
    return found


def _integer(text: str) -> int:
    return int(text, 16 if text.startswith("0x") else 10)
