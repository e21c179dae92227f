# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A foreign mount namespace is entered from a copy of the interpreter that nobody can write to."""

from __future__ import annotations

import errno
import os
import signal
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.support import Background


def code_of_writing(fd: int) -> int | None:
    """The errno when somebody who holds a program writes to it."""
    try:
        with closing(os.open(f"/proc/self/fd/{fd}", os.O_WRONLY)) as program:
            os.write(program, b"x")
    except OSError as error:
        return error.errno
    return None


def test_what_runs_inside_is_a_sealed_copy(tmp_path: Path) -> None:
    """The process that watches over the command: also when its program is idle, who holds it can't change it."""
    with support.roll_at(tmp_path / "roll") as roll, support.inhabited("mnt", "pid") as pid:
        task = Background(lambda: support.run("sh", "-c", f"echo >{roll.path}; exec sleep 100", pid=pid))
        assert roll.heard(1)
        (child,) = support.live_children(task.pid)
        with closing(os.open(f"/proc/{child}/exe", os.O_RDONLY)) as program:
            assert os.readlink(f"/proc/{child}/exe").startswith("/memfd:")
            assert code_of_writing(program) == errno.ETXTBSY
            os.kill(task.pid, signal.SIGTERM)
            task.result()
            assert code_of_writing(program) == errno.EPERM
            assert os.pread(program, 4, 0) == b"\x7fELF"


@pytest.mark.parametrize("types", [["mnt"], ["mnt", "pid"]], ids="-".join)
def test_a_script_that_has_its_caller_executed(tmp_path: Path, types: list[str]) -> None:
    """#!/proc/self/exe runs the program that was about to run the script: it is the copy, and has nothing open."""
    script = tmp_path / "script"
    text = "import os; print(os.readlink('/proc/self/exe'), len(os.listdir('/proc/self/fd')))"
    script.write_text(f"#!/proc/self/exe\n{text}\n")
    script.chmod(0o755)
    with support.inhabited(*types) as pid:
        program, descriptors = support.output(str(script), pid=pid).rsplit(maxsplit=1)
    assert program.startswith("/memfd:")
    assert int(descriptors) == 4  # one to list them


@pytest.mark.parametrize("how", ["root", "bind"])
def test_such_a_script_in_files_that_come_from_elsewhere(tmp_path: Path, how: str) -> None:
    script = tmp_path / "script"
    script.write_text("#!/proc/self/exe\nimport os; print(os.readlink('/proc/self/exe'))\n")
    script.chmod(0o755)
    mounts = [{"path": str(tmp_path), "src": str(tmp_path), "opts": "bind"}]
    given: dict[str, t.Any] = {"root": "/"} if how == "root" else {"options": {"mounts": mounts}}
    assert support.output(str(script), unshare=["mnt"], **given).startswith("/memfd:")


@pytest.mark.parametrize("types", [["mnt"], ["mnt", "pid", "uts"], ["user", "mnt", "pid"]], ids="-".join)
def test_nothing_is_lost_on_the_way(types: list[str]) -> None:
    """All that a command can have is handed over to the new program."""
    script = "cat; echo $ONE $PYTHONPATH; pwd; stat -L -c %i /proc/self/ns/mnt; echo err >&2; exit 3"
    with support.inhabited(*types) as pid:
        result = support.run(
            *("sh", "-c", script),
            pid=pid,
            unshare=["ipc"],
            stdin=b"\0\xff",
            environment={"ONE": "\udcff"},
            chdir="/etc",
        )
        inode = support.identity(pid, "mnt").inode
        assert {kind.name for kind in result.namespaces} == {*types, "ipc"}
    assert (result.code, result.stderr) == (3, b"err\n")
    assert result.stdout == b"\0\xff\xff\n/etc\n%d\n" % inode


@pytest.mark.parametrize("name", ["PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONWARNINGS"])
def test_the_environment_does_not_steer_the_new_program(tmp_path: Path, name: str) -> None:
    def work(pid: int) -> str:
        os.environ[name] = str(tmp_path)
        return support.output("sh", "-c", f"echo ok ${name}", pid=pid)

    with support.inhabited("mnt") as pid:
        assert support.forked(lambda: work(pid)) == "ok\n"


def test_an_error_comes_back() -> None:
    with support.inhabited("mnt") as pid:
        for arguments, text in (
            ({"chdir": "/nowhere"}, "cannot change to the directory /nowhere: ENOENT"),
            ({"unshare": ["time"], "options": {"time_offsets": {"boottime": "-99999999999"}}}, "ERANGE"),
        ):
            with pytest.raises(NamespaceError, match=text):
                support.run("true", pid=pid, **arguments)
