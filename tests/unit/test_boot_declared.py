# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of what a host declares: what is read back, and what is refused, torn or hostile."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot import declared, folder
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot.places import (
    DEFINITIONS,
    escaped,
    unescaped,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit.booting import declare, on_host, write

Options = t.Dict[str, t.Any]

GOOD: Options = {"types": ["net"]}
SERVICE: Options = {"name": "web", "argv": ["/bin/true"]}
EVERYTHING: Options = {
    "types": ["user", "mnt", "uts", "net", "time"],
    "hostname": "blue",
    "uid_map": [{"inside": "0", "outside": "0", "count": "65536"}],
    "time_offsets": {"boottime": "1.5"},
    "mounts": [{"path": "/mnt", "fstype": "tmpfs"}],
    "loopback": False,
    "network": {"links": [{"name": "br0", "type": "bridge"}], "sysctls": {"net.ipv4.ip_forward": 1}},
    "services": [
        {**SERVICE, "environment": {"A": "b c"}, "user": "nobody", "restart": "always"},
        {"unit": "nginx.service"},
    ],
}


def refusal(work: t.Callable[[], object]) -> str:
    with pytest.raises(NamespaceError) as caught:
        work()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_service(**options: t.Any) -> Options:
    return {**GOOD, "services": [{**SERVICE, **options}]}


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("types none", {}),
        ("types none", {"types": []}),
        ("types[0] bogus", {"types": ["bogus"]}),
        ("types no list", {"types": "net"}),
        ("color no such option", {**GOOD, "color": "blue"}),
        ("hostname no text", {**GOOD, "hostname": 5}),
        ("hostname no text", {**GOOD, "hostname": ["a"]}),
        ("hostname NUL", {**GOOD, "hostname": "a\0"}),
        ("loopback true or false", {**GOOD, "loopback": "no"}),
        ("uid_map[0].count missing", {"types": ["user"], "uid_map": [{"inside": "0", "outside": "0"}]}),
        ("uid_map[0].more no such option", {"types": ["user"], "uid_map": [{"more": "0"}]}),
        ("setgroups none of its words", {**GOOD, "setgroups": "perhaps"}),
        ("network no dictionary", {**GOOD, "network": []}),
        ("network.host no such option", {**GOOD, "network": {"host": True}}),
        ("network net", {"types": ["uts"], "network": {}}),
        ("services no list", {**GOOD, "services": {}}),
        ("services[0] no dictionary", {**GOOD, "services": ["web"]}),
        ("services[0].argv missing", {**GOOD, "services": [{"name": "web"}]}),
        ("services[0].argv missing", with_service(argv=[])),
        ("services[0].argv absolute", with_service(argv=["true"])),
        ("services[0].argv absolute", with_service(argv=["-/bin/true"])),
        ("services[0].argv absolute", with_service(argv=["/"])),
        ("services[0].argv absolute", with_service(argv=["/bin/"])),
        *(("services[0].argv absolute", with_service(argv=[f"/bin/a{bad}b"])) for bad in "\n\"'\\\x7f"),
        ("services[0].name missing", {**GOOD, "services": [{"argv": ["/bin/true"]}]}),
        ("services[0].name no name", with_service(name="a/b")),
        ("services[0].name no name", with_service(name="a:b")),
        ("services[0].name too long", with_service(name="x" * 230)),
        ("services[0].user", with_service(user="a b")),
        ("services[0].user", with_service(user="")),
        ("services[0].restart", with_service(restart="perhaps")),
        ("services[0].environment", with_service(environment={"A=B": "c"})),
        ("services[0].environment", with_service(environment={"A": 1})),
        ("services[0].environment", with_service(environment={"A": "\udcff"})),
        ("services[0].name unit", with_service(unit="web.service")),
        ("services[0].unit", {**GOOD, "services": [{"unit": "web"}]}),
        ("services[0].unit", {**GOOD, "services": [{"unit": "../web.service"}]}),
        ("services[0].unit", {**GOOD, "services": [{"unit": "web@.service"}]}),
        ("services[0].unit", {**GOOD, "services": [{"unit": "-Hevil@example.com.service"}]}),
        ("services[0].unit", {**GOOD, "services": [{"unit": ".web.service"}]}),
        ("services[0].unit", {**GOOD, "services": [{"unit": "systemd-.service"}]}),
        ("services[0].unit", {**GOOD, "services": [{"unit": "web-@one.service"}]}),
        ("services[0].unit", {**GOOD, "services": [{"unit": "x" * 242 + ".service"}]}),
        ("services[0].unit written here", {**GOOD, "services": [{"unit": "linux-namespaces.service"}]}),
        ("services[0].unit written here", {**GOOD, "services": [{"unit": "linux-namespaces@blue.service"}]}),
        ("services[0].unit written here", {**GOOD, "services": [{"unit": "linux-namespaces-blue:web.service"}]}),
        ("services one name", {**GOOD, "services": [SERVICE, SERVICE]}),
    ],
)
def test_what_can_not_be_declared(words: str, options: Options) -> None:
    message = refusal(lambda: declared.parse("blue", options))
    assert [word for word in words.split() if word not in message] == []


@pytest.mark.parametrize("name", ["a", "web", "linux-namespaces-exporter", "a-b@c-", r"a\x2d", "x" * 241])
def test_units_that_are_there(name: str) -> None:
    declared.parse("blue", {**GOOD, "services": [{"unit": f"{name}.service"}]})


def test_the_name_fits_a_unit() -> None:
    declared.parse("x" * 200, GOOD)
    declared.parse("x" * 192 + "+" * 8, GOOD)
    assert "each + takes four" in refusal(lambda: declared.parse("x" * 191 + "+" * 9, GOOD))
    assert "each + takes four" in refusal(lambda: declared.parse("+" * 200, GOOD))


@pytest.mark.parametrize("name", ["blue", "a-b", "a+b", "+", "a@b.c_d"])
def test_names_in_units(name: str) -> None:
    assert unescaped(escaped(name)) == name
    assert "+" not in escaped(name)


def test_what_systemd_escape_makes_of_a_name() -> None:
    assert unescaped(r"a\x2db\x2bc\x40d") == "a-b+c@d"


def test_what_is_written_is_read() -> None:
    def work() -> None:
        item = declare("blue", **EVERYTHING)
        assert declared.read("blue") == item
        assert declared.read("blue").given() == EVERYTHING
        assert folder.names() == ["blue"]
        text = Path(item.path).read_text()
        assert text.splitlines()[1] == '  "hostname": "blue",'
        assert json.loads(text)["version"] == declared.VERSION

    on_host(work)


def test_what_is_not_there() -> None:
    def work() -> None:
        assert folder.names() == []
        assert "the set is not declared; declare it" in refusal(lambda: declared.read("blue"))
        declare("green", **GOOD)
        assert "the set is not declared; declare it" in refusal(lambda: declared.read("blue"))
        write("../linux-namespaces/.hidden", "")
        assert folder.names() == ["green"]

    on_host(work)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("torn", ""),
        ("torn", '{"version": 1, "types": ["net"'),
        ("torn", "\0\0\0\0"),
        ("deep", "[" * 100_000),
        ("deep", f'{{"version": 1, "types": {"[" * 2000 + "]" * 2000}}}'),
        ("no definition", "[]"),
        ("no definition", '{"types": ["net"]}'),
        ("version 2", '{"version": 2, "types": ["net"]}'),
        ("version True", '{"version": true, "types": ["net"]}'),
        ("version '1'", '{"version": "1", "types": ["net"]}'),
        ("color no such option", '{"version": 1, "types": ["net"], "color": "blue"}'),
        ("hostname no text", '{"version": 1, "types": ["uts"], "hostname": NaN}'),
        ("hostname surrogate", '{"version": 1, "types": ["uts"], "hostname": "\\ud800"}'),
    ],
)
def test_what_is_no_definition(words: str, text: str) -> None:
    def work() -> str:
        write("blue", text)
        return refusal(lambda: declared.read("blue"))

    message = on_host(work)
    assert message.startswith(f"cannot read {DEFINITIONS}/blue.json: ")
    assert message.endswith("run the role linux.namespaces.boot for it again, or remove the file")
    assert [word for word in words.split() if word not in message] == []


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646])
def test_what_others_may_change_is_not_read(mode: int) -> None:
    def work() -> None:
        path = declare("blue", **GOOD).path
        os.chmod(path, mode)
        assert f"others than root may change it (uid 0, mode {mode:o})" in refusal(lambda: declared.read("blue"))
        os.chmod(path, 0o644)
        os.chown(path, 1000, 0)
        assert "(uid 1000, mode 644)" in refusal(lambda: declared.read("blue"))
        os.chown(path, 0, 0)
        declared.read("blue")
        os.chmod(DEFINITIONS, mode | 0o111)
        for look in (folder.names, lambda: declared.read("blue")):
            assert f"mode {mode | 0o111:o}" in refusal(look)

    on_host(work)


def test_what_is_no_file_is_not_read() -> None:
    def work() -> None:
        path = Path(declare("blue", **GOOD).path)
        path.rename("/etc/elsewhere")
        path.symlink_to("/etc/elsewhere")
        assert "ELOOP" in refusal(lambda: declared.read("blue"))
        path.unlink()
        os.mkfifo(path, 0o644)
        assert "it is no file" in refusal(lambda: declared.read("blue"))
        path.unlink()
        path.mkdir()
        assert "it is no file" in refusal(lambda: declared.read("blue"))

    on_host(work)
