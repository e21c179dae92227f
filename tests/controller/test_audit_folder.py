# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders for results: whose they are, and what is in them after a write that fails."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import threading
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit import folder

NOBODY = 65534


def write(path: Path, name: str = "r17.json", data: bytes = b"new") -> str:
    with folder.opened(str(path), "report_dir") as report, report.below("hosts") as hosts:
        return hosts.write(name, data)


def refused(path: Path) -> str:
    with pytest.raises(AnsibleActionFail) as raised:
        write(path)
    return str(raised.value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_missing_is_made(tmp_path: Path) -> None:
    report = tmp_path / "2026/11/audit"
    assert write(report) == str(report / "hosts/r17.json")
    assert (report / "hosts/r17.json").read_bytes() == b"new"
    assert [mode(path) for path in (report, report / "hosts", report / "hosts/r17.json")] == [0o700, 0o700, 0o600]


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write(Path("audit")) == str(tmp_path / "audit/hosts/r17.json")


def test_what_is_there_is_replaced_and_removed(tmp_path: Path) -> None:
    write(tmp_path / "audit", data=b"old, and longer")
    write(tmp_path / "audit")
    assert (tmp_path / "audit/hosts/r17.json").read_bytes() == b"new"
    with folder.opened(str(tmp_path / "audit"), "report_dir") as report, report.below("hosts") as hosts:
        hosts.remove("r17.json")
        hosts.remove("r17.json")
    assert os.listdir(tmp_path / "audit/hosts") == []


@pytest.mark.parametrize("place", ["audit", "audit/hosts"])
def test_a_link_is_refused(tmp_path: Path, place: str) -> None:
    elsewhere, link = tmp_path / "elsewhere", tmp_path / place
    elsewhere.mkdir()
    link.parent.mkdir(mode=0o700, exist_ok=True)
    link.symlink_to(elsewhere)
    assert f"report_dir: {link} is a symbolic link" in refused(tmp_path / "audit")
    assert os.listdir(elsewhere) == []


def test_a_file_that_is_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"old")
    (tmp_path / "audit/hosts").mkdir(parents=True, mode=0o700)
    (tmp_path / "audit").chmod(0o700)
    (tmp_path / "audit/hosts/r17.json").symlink_to(precious)
    write(tmp_path / "audit")
    assert precious.read_bytes() == b"old"
    assert not (tmp_path / "audit/hosts/r17.json").is_symlink()


@pytest.mark.parametrize("place", ["audit", "audit/hosts"])
@pytest.mark.parametrize("bits", [0o777, 0o1777, 0o770])
def test_one_that_others_can_write_to_is_refused(tmp_path: Path, place: str, bits: int) -> None:
    (tmp_path / "audit/hosts").mkdir(parents=True, mode=0o700)
    (tmp_path / "audit").chmod(0o700)
    (tmp_path / place).chmod(bits)
    assert f"has the mode {bits:04o}, so others could change what is in it: chmod go-w " in refused(tmp_path / "audit")
    assert os.listdir(tmp_path / "audit/hosts") == []


def test_one_that_others_can_read_is_ours_to_have(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit").chmod(0o755)
    write(tmp_path / "audit")
    assert mode(tmp_path / "audit") == 0o755
    assert mode(tmp_path / "audit/hosts") == 0o700


def test_one_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir(mode=0o700)
    os.chown(tmp_path / "audit", NOBODY, NOBODY)
    assert "belongs to uid 65534, and Ansible runs as uid 0: give another, or change its owner" in refused(
        tmp_path / "audit"
    )


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("")
    assert "can not be written (ENOTDIR, " in refused(tmp_path / "audit")
    assert "is no directory" in refused(tmp_path / "audit/below")


@pytest.fixture
def small(tmp_path: Path) -> t.Iterator[Path]:
    """A file system with room for 16 KiB, and how it is found that it has no more."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=0700", "small", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def test_full(small: Path) -> None:
    write(small, data=b"old")
    with pytest.raises(AnsibleActionFail, match=r"can not be written \(ENOSPC, .*the file system is full: make room"):
        write(small, data=b"n" * 65536)
    assert (small / "hosts/r17.json").read_bytes() == b"old"
    assert os.listdir(small / "hosts") == ["r17.json"]


def test_read_only(small: Path) -> None:
    write(small, data=b"old")
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    assert "(EROFS, Read-only file system): the file system is read-only: give another directory" in refused(small)


def test_who_reads_meanwhile_gets_all_or_nothing(tmp_path: Path) -> None:
    texts = [letter * 100_000 for letter in (b"a", b"b", b"c")]
    write(tmp_path / "audit", data=texts[0])
    writers = [
        threading.Thread(target=lambda text=text: [write(tmp_path / "audit", data=text) for _turn in range(50)])
        for text in texts
    ]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        seen.add((tmp_path / "audit/hosts/r17.json").read_bytes())
    for writer in writers:
        writer.join()
    assert seen <= set(texts)
    assert os.listdir(tmp_path / "audit/hosts") == ["r17.json"]


@pytest.mark.parametrize(("mode", "refused"), [(0o777, True), (0o1777, False), (0o755, False)])
def test_where_everybody_can_put_another(mode: int, refused: bool, tmp_path: Path) -> None:
    (tmp_path / "open/below").mkdir(parents=True)
    (tmp_path / "open").chmod(mode)
    with contextlib.ExitStack() as stack:
        if refused:
            stack.enter_context(pytest.raises(AnsibleActionFail, match="open, where everybody can put another"))
        with folder.opened(str(tmp_path / "open/below/audit"), "report_dir"):
            pass
