# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that brings a host to what it declares, run as systemd runs it."""

from __future__ import annotations

import ast
import functools
import io
import os
import subprocess
import sys
import time
import typing as t
import zipfile
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot import archive
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot.places import APPLIED
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import codec
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.booting import BUILT, Told, boot, declare, on_host, write
from ansible_collections.linux.namespaces.tests.unit.support import TYPE_NAMES, at_handle, brought, remount

changes_networks = pytest.mark.skipif(
    sys.version_info < (3, 9) or codec.MISSING is not None, reason="networks need Python 3.9 and pyroute2"
)

IDS = [{"inside": "0", "outside": "0", "count": "65536"}]
MOST_KIB = 40 * 1024


def veth(name: str, peer: str, namespace: str = "", address: str = "10.0.0.1/24") -> dict[str, t.Any]:
    other = {"name": peer, "namespace": namespace}
    return {"links": [{"name": name, "type": "veth", "addresses": [address], "peer": other}]}


def links_of(name: str) -> list[str]:
    done = subprocess.run(
        ["nsenter", f"--net=/run/netns/{name}", "ip", "-o", "link"], check=True, capture_output=True, text=True
    )
    return sorted(line.split()[1].partition("@")[0].rstrip(":") for line in done.stdout.splitlines())


def peak_of_apply() -> int:
    """The most memory that it had at a time, in KiB. A child of these tests would count with what they have."""
    script = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    applied = [sys.executable, "-I", BUILT, "apply"]
    return int(subprocess.check_output([sys.executable, "-I", "-S", "-c", script, *applied]))


def run_without(module: str) -> tuple[int, str]:
    """How it ends where that module can not be imported, and what it says then."""
    script = (
        "import runpy, sys\n"
        f"sys.modules[{module!r}] = None\n"
        "sys.argv = ['boot.pyz', 'apply']\n"
        f"runpy.run_path({BUILT!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], check=False, capture_output=True, text=True)
    return done.returncode, done.stderr


# ---- what it is


def test_the_archive_has_what_it_needs_and_nothing_more() -> None:
    """Each module is imported by another one; all that they import are there. It is the same whoever makes it."""
    built = archive.build()
    with zipfile.ZipFile(io.BytesIO(built)) as packed:
        names = set(packed.namelist())
        sources = {name: packed.read(name).decode() for name in names}
    told = {alias for source in sources.values() for node in ast.walk(ast.parse(source)) for alias in _names(node)}
    modules = {name.rpartition("/")[2][: -len(".py")] for name in names if not name.endswith("__init__.py")}
    assert modules - told == {"__main__"}
    assert {"program", "carry_out", "codec"} < modules
    assert {"install", "facts", "target_launcher", "archive"}.isdisjoint(modules)
    assert not any("ansible" in alias for alias in told)
    again = subprocess.run(
        [sys.executable, "-c", f"import sys; from {archive.__name__} import build; sys.stdout.buffer.write(build())"],
        check=True,
        capture_output=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert again.stdout == built


def _names(node: ast.AST) -> t.Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        yield from (node.module or "").split(".")
        yield from (alias.name for alias in node.names)


@pytest.mark.usefixtures("own_run")
def test_sets_of_all_types_are_as_ns_persistent_makes_them(tmp_path: Path) -> None:
    """What the kernel says of each is the same, but for identities."""
    options = {"hostname": "box", "uid_map": IDS, "gid_map": IDS, "time_offsets": {"boottime": "100"}}
    looked = (
        "uname -n; cat /proc/self/uid_map /proc/self/timens_offsets; readlink /proc/1/exe; ls /sys/class/net; id -u"
    )

    def look() -> str:
        entering = [f"--{support.NSENTER[name]}=/run/{name}ns/box" for name in TYPE_NAMES]
        done = subprocess.run(["nsenter", *entering, "sh", "-c", looked], check=True, capture_output=True, text=True)
        return done.stdout

    definitions = tmp_path / "etc"
    definitions.mkdir()
    support.bind(definitions, "/etc")
    try:
        Path(BUILT).write_bytes(archive.build())
        declare("box", types=TYPE_NAMES, **options)
        assert boot("apply") == Told(
            0, [f"box: {'; '.join(f'create the {name} namespace' for name in TYPE_NAMES)}"], []
        )
        seen = look()
        assert "box" in seen
        assert "boottime          100" in seen
        assert brought("box", types=TYPE_NAMES, **options) == {"box": ()}
        assert boot("apply") == Told(0, [], [])
        told = boot("remove")
        assert (told.code, told.failed) == (0, [])
        assert [name for name in TYPE_NAMES if Path(f"/run/{name}ns").exists()] == []
        brought("box", types=TYPE_NAMES, **options)
        assert look() == seen
        brought("box", present=False)
    finally:
        support.unmount("/etc")


# ---- what it does


def test_nothing_is_declared() -> None:
    def work() -> None:
        for command in ("apply", "remove"):
            assert boot(command) == Told(0, [], [])

    on_host(work)


def test_a_set_that_fails_fails_alone() -> None:
    def work() -> None:
        declare("blue", types=["net"])
        declare("green", types=["uts"], hostname="x" * 65)
        declare("late", types=["uts"])
        write("torn", "{")
        write("-", "{}")
        told = boot("apply")
        assert told.done == ["blue: create the net namespace", "late: create the uts namespace"]
        assert told.code == 0
        names = [line.partition(": cannot ")[0] for line in told.failed]
        assert sorted(names) == ["-", "green", "torn"]
        assert os.listdir("/run/netns") == ["blue"]
        assert os.listdir("/run/utsns") == ["late"]
        for name in ("green", "torn", "nowhere"):
            alone = boot("apply", name)
            assert (alone.code, alone.done, len(alone.failed)) == (1, [], 1)
            assert name == "nowhere" or alone.failed[0] in told.failed

    on_host(work)


def test_what_concerns_all_is_told_once() -> None:
    def work() -> None:
        declare("blue", types=["net"])
        os.chmod("/etc", 0o777)
        for command in ("apply", "remove"):
            told = boot(command)
            assert (told.code, told.done) == (2, [])
            assert told.failed[0].startswith("*: cannot keep handles below /etc: others than its owner")

    on_host(work)


def test_a_set_by_the_name_of_its_unit() -> None:
    def work() -> None:
        declare("a+b", types=["net"])
        declare("other", types=["net"])
        assert boot("apply", r"a\x2bb") == Told(0, ["a+b: create the net namespace"], [])
        assert boot("remove", r"a\x2bb") == Told(0, ["a+b: remove the net namespace"], [])

    on_host(work)


@pytest.mark.parametrize("unit", [r"..\x2fprecious", r"..\x2f..\x2fetc\x2fprecious", r"a\x00", ".."])
def test_a_unit_that_is_of_no_set(unit: str) -> None:
    """Nothing is touched that its name would lead to, from where handles and notes are."""

    def work() -> None:
        os.mkdir("/run/netns")
        os.mkdir(APPLIED)
        theirs = (Path("/run/precious"), Path("/etc/precious"))
        for path in theirs:
            path.touch()
        for command in ("apply", "start", "remove"):
            told = boot(command, unit)
            assert (told.code, told.done, len(told.failed)) == (2, [], 1)
            assert "is no name of a set" in told.failed[0]
        assert all(path.exists() for path in theirs)

    on_host(work)


def test_a_definition_that_changes_is_applied() -> None:
    def work() -> None:
        declare("blue", types=["uts"], hostname="one")
        boot("apply")
        first = at_handle("uts", "blue")
        declare("blue", types=["uts", "net"], hostname="two")
        assert boot("apply", "blue") == Told(0, ["blue: create the net namespace; set the hostname to two"], [])
        assert at_handle("uts", "blue") == first

    on_host(work)


def test_notes_for_the_units() -> None:
    """One for each set that is as declared, until it is removed; none where systemd gives no place for them."""

    def work() -> None:
        declare("a+b", types=["net"])
        write("torn", "{")
        boot("apply")
        assert not Path(APPLIED).exists()
        Path(APPLIED).mkdir()
        boot("apply")
        assert os.listdir(APPLIED) == [r"a\x2bb"]
        assert Path(APPLIED, r"a\x2bb").stat().st_size
        boot("remove", r"a\x2bb")
        assert os.listdir(APPLIED) == []

    on_host(work)


def test_who_is_in_a_set_is_in_the_way_but_at_the_end_of_a_boot() -> None:
    def work() -> None:
        declare("blue", types=["net"])
        boot("apply")
        with support.occupied("blue", "net"):
            told = boot("remove", "blue")
            assert (told.code, told.done) == (1, [])
            assert "processes are in it" in told.failed[0]
            at_handle("net", "blue")
            assert boot("remove") == Told(0, ["blue: remove the net namespace"], [])

    on_host(work)


def test_what_is_removed_needs_no_good_definition() -> None:
    def work() -> None:
        path = declare("blue", types=["net"]).path
        for arguments in (["remove"], ["remove", "blue"]):
            boot("apply")
            text = Path(path).read_text()
            write("blue", "{")
            assert boot(*arguments) == Told(0, ["blue: remove the net namespace"], [])
            write("blue", text)

    on_host(work)


def test_a_check_tells_and_changes_nothing() -> None:
    def work() -> None:
        declare("blue", types=["net"])
        given = {"blue": {"types": ["net"]}, "green": {"types": ["uts"]}, "bad": {"types": []}}
        told = boot("check", given=given)
        assert told.done == ["blue: create the net namespace", "green: create the uts namespace"]
        assert told.failed[0].startswith("bad: cannot use the option types")
        assert not Path("/run/netns").exists()

    on_host(work)


def test_a_run_that_is_mounted_once_more() -> None:
    """Read-only, there is nothing more to do; noexec is no matter; with another one over it all is made anew."""

    def work() -> None:
        declare("blue", types=["net", "uts"])
        boot("apply")
        first = at_handle("net", "blue")
        remount("/run", "ro")
        assert boot("apply") == Told(0, [], [])
        declare("green", types=["uts"])
        (told,) = boot("apply").failed
        assert told.startswith("green: ")
        assert told.endswith("remount it read-write")
        remount("/run", "rw")
        support.mount_over("tmpfs", "/run", "mode=755")
        Path(BUILT).write_bytes(archive.build())
        subprocess.run(["mount", "-o", "remount,noexec", "/run"], check=True)
        assert len(boot("apply").done) == 2
        assert at_handle("net", "blue") != first
        assert len(boot("remove").done) == 2
        support.unmount("/run")
        assert boot("apply") == Told(0, ["green: create the uts namespace"], [])
        assert at_handle("net", "blue") == first

    on_host(work)


# ---- what it costs


def test_two_hundred_sets_take_little_memory() -> None:
    """And nothing that is about networks, which none of them has."""

    def work() -> None:
        for number in range(200):
            declare(f"s{number}", types=["net", "uts", "ipc", "mnt"], hostname=f"h{number}")
        assert peak_of_apply() < MOST_KIB
        assert len(os.listdir("/run/mntns")) == 200
        assert run_without("ipaddress") == (0, "")

    on_host(work)


# ---- networks


@changes_networks
def test_a_network_comes_with_its_set() -> None:
    def work() -> None:
        declare("blue", types=["net"], network=veth("eth0", "blue0"))
        told = boot("apply")
        assert (told.code, told.failed) == (0, [])
        assert "; link add eth0 type veth peer name blue0" in told.done[0]
        assert links_of("blue") == ["eth0", "lo"]
        assert boot("apply") == Told(0, [], [])
        boot("remove")
        assert "blue0" not in os.listdir("/sys/class/net")

    on_host(work)


@changes_networks
def test_sets_with_links_in_each_other() -> None:
    """Whichever comes first; and where one goes and comes back."""

    def work() -> None:
        declare("a", types=["net"], network=veth("to-b", "from-a", "b"))
        declare("b", types=["net"], network=veth("to-a", "from-b", "a", "10.0.1.1/24"))
        assert boot("apply").failed == []
        expected = {"a": ["from-b", "lo", "to-b"], "b": ["from-a", "lo", "to-a"]}
        assert {name: links_of(name) for name in ("a", "b")} == expected
        for name in ("a", "b"):
            boot("remove", name)
            other = "ab".replace(name, "")
            assert links_of(other) == ["lo"]
            told = boot("apply", other)
            assert "there is no such set" in told.failed[0]
            told = boot("apply", name)
            assert (told.code, told.failed) == (0, [])
            assert {name: links_of(name) for name in ("a", "b")} == expected

    on_host(work)


@changes_networks
def test_a_network_that_fails_leaves_its_set_and_the_others() -> None:
    def work() -> None:
        declare("blue", types=["net"], network=veth("eth0", "x", "nowhere"))
        declare("bad", types=["net"], network={"links": [{"name": 5}]})
        declare("green", types=["net"], network=veth("eth0", "green0"))
        told = boot("apply")
        assert [line.partition(":")[0] for line in told.failed] == ["bad", "blue"]
        assert "network.links[0].name" in told.failed[0]
        assert "there is no such set" in told.failed[1]
        assert links_of("green") == ["eth0", "lo"]
        assert links_of("blue") == ["lo"]

    on_host(work)


@changes_networks
def test_a_unit_waits_for_links_of_the_host() -> None:
    """Those that come later than the network of the set, as cards do at boot; not for what will never be."""

    def work() -> None:
        port = veth("eth0", "port")
        port["links"][0]["peer"]["master"] = "late"
        declare("port", types=["net"], network=port)
        declare("taken", types=["net"], network={"links": [{"name": "card", "type": "physical"}]})
        declare("hopeless", types=["net"], network=veth("eth0", "x", "nowhere"))
        declare("bad", types=["net"], network={"links": [{"name": 5}]})
        assert len(boot("apply").failed) == 4
        for name, cause in (("hopeless", "there is no such set"), ("bad", "network.links[0].name")):
            told = boot("start", name)
            assert told.code == 1
            assert told.failed[0].startswith(f"{name}: ")
            assert cause in told.failed[0]
        for name, link, kind in (("port", "late", "bridge"), ("taken", "card", "veth")):
            waiting = support.Background(functools.partial(boot, "start", name))
            time.sleep(1)
            subprocess.run(["ip", "link", "add", link, "type", kind], check=True)
            told = waiting.result()
            assert (told.code, told.failed) == (0, [])
            assert boot("start", name) == Told(0, [], [])
        assert links_of("taken") == ["card", "lo"]
        # It is none that would be lost.
        assert boot("remove", "taken") == Told(0, ["taken: remove the net namespace"], [])

    on_host(work)


@changes_networks
def test_what_a_network_would_take() -> None:
    def work() -> None:
        network = veth("eth0", "blue0")
        given = {"blue": {"types": ["net"], "network": network}}
        told = boot("check", given=given)
        assert told == Told(0, ["blue: create the net namespace; bring its network to what is asked"], [])
        declare("blue", types=["net"], network=network)
        boot("apply")
        assert boot("check", given=given) == Told(0, [], [])
        network["links"][0]["mtu"] = "1400"
        assert boot("check", given=given) == Told(0, ["blue: link set eth0 mtu 1400"], [])

    on_host(work)


@changes_networks
def test_what_is_removed_needs_no_good_network() -> None:
    def work() -> None:
        declare("blue", types=["net"], network={"links": [{"name": 5}]})
        assert len(boot("apply").failed) == 1
        assert boot("remove", "blue") == Told(0, ["blue: remove the net namespace"], [])

    on_host(work)


@changes_networks
def test_networks_take_little_memory() -> None:
    def work() -> None:
        for number in range(40):
            declare(f"s{number}", types=["net"], network=veth("eth0", f"p{number}"))
        assert peak_of_apply() < MOST_KIB
        assert "p39" in os.listdir("/sys/class/net")

    on_host(work)


def test_a_network_without_pyroute2_is_refused() -> None:
    def work() -> None:
        declare("blue", types=["net"], network=veth("eth0", "blue0"))
        code, said = run_without("pyroute2")
        needs = "has no pyroute2; install the distribution's package, python3-pyroute2"
        assert code == 0
        assert (needs if sys.version_info >= (3, 9) else "it takes 3.9") in said
        at_handle("net", "blue")

    on_host(work)
