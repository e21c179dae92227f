# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command lines that the become plugin builds: what is given is refused, or comes out as one word of them."""

from __future__ import annotations

import re
import shlex
import subprocess
import types
import typing as t

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.loader import shell_loader
from ansible_collections.linux.namespaces.plugins.become import nsenter
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes
from ansible_collections.linux.namespaces.plugins.plugin_utils import _launcher
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import example, given
from hypothesis import strategies as st

NAME = "linux.namespaces.nsenter"
COMMAND = "python -c 'print(\"it''s me\")'"
TYPES = list(nstypes.BY_NAME)
BLUE = {"ansible_nsenter_name": "blue"}
# What breaks out of words, if anything does.
TEXTS = st.one_of(st.text(), st.text(st.sampled_from("ab0-/'\"\\$`() \n\t;&|<>*?!{}#~=%:,")))


def become() -> t.Any:
    """The plugin as core's loader makes it, which can not find what was imported without it."""
    options = yaml.safe_load(nsenter.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("become", NAME, options)
    plugin = nsenter.BecomeModule()
    vars(plugin).update(_load_name=NAME, ansible_name=NAME)
    return plugin


def build(
    variables: t.Mapping[str, t.Any] | None = None,
    keys: t.Mapping[str, t.Any] | None = None,
    tmpdir: str | None = None,
    command: str = COMMAND,
) -> tuple[t.Any, str]:
    """The plugin, and the command line that it makes."""
    plugin = become()
    plugin.set_options(task_keys=dict(keys or {}), var_options=dict(variables or {}))
    shell = shell_loader.get("sh")
    shell.set_options()
    shell.executable, shell.tmpdir = "/bin/sh", tmpdir
    return plugin, plugin.build_become_command(command, shell)


def words(variables: t.Mapping[str, t.Any], **more: t.Any) -> list[str]:
    """The words of the command line, which ends in what core itself makes of the command."""
    plugin, line = build(variables, **more)
    built = shlex.split(line)
    success = f"echo {plugin.success} ; {more.get('command', COMMAND)}"
    assert built[-3:] == ["/bin/sh", "-c", success]
    return built[:-3]


def refusal(variables: t.Mapping[str, t.Any] | None = None, **more: t.Any) -> str:
    with pytest.raises(AnsibleError) as caught:
        build(variables, **more)
    return str(caught.value)


def launcher(target: _launcher.Target, user: str = "", sysfs: bool = True, files: str = "") -> list[str]:
    return _launcher.command(target, user, sysfs, files)


SET = _launcher.of_set("blue", None)
SUDO = ["sudo", "-H", "-S", "-n", "-u", "root"]


# ---- what is built


@pytest.mark.parametrize(
    ("variables", "target"),
    [
        ({"name": "blue"}, SET),
        ({"name": "blue", "types": ["net", "uts", "net"]}, _launcher.of_set("blue", [nstypes.NET, nstypes.UTS])),
        ({"name": "blue", "types": "net,uts"}, _launcher.of_set("blue", [nstypes.NET, nstypes.UTS])),
        ({"name": "blue", "target_pid": None, "handles": None}, SET),
        ({"target_pid": 4711}, _launcher.of_process(4711, None)),
        ({"target_pid": "4711", "types": ["net"]}, _launcher.of_process(4711, [nstypes.NET])),
        ({"handles": {"net": "/x", "uts": None}}, _launcher.of_handles({nstypes.NET: "/x"})),
        ({"handles": {"net": "/x", "uts": "/y"}, "types": ["uts"]}, _launcher.of_handles({nstypes.UTS: "/y"})),
    ],
)
def test_targets(variables: dict[str, t.Any], target: _launcher.Target) -> None:
    given_variables = {f"ansible_nsenter_{name}": value for name, value in variables.items()}
    assert words({**given_variables, "ansible_nsenter_sudo": "never"}) == launcher(target)


@pytest.mark.parametrize(("value", "sysfs"), [(True, True), ("no", False), (0, False), ("True", True), (None, True)])
def test_booleans(value: t.Any, sysfs: bool) -> None:
    variables = {**BLUE, "ansible_nsenter_sysfs": value, "ansible_nsenter_sudo": "never"}
    assert words(variables) == launcher(SET, sysfs=sysfs)


def test_the_name_of_a_task_is_no_target() -> None:
    """Core takes the keywords of a task for options of the same name."""
    keys = {"name": "blue", "user": "bob", "handles": {"net": "/x"}, "types": ["net"], "sudo": "never", "sysfs": False}
    assert "none is named" in refusal(keys=keys)
    assert words(BLUE, keys=keys) == _launcher.as_root("auto", SUDO, SET, False, launcher(SET))


def test_how_sudo_is_called() -> None:
    assert words(BLUE) == _launcher.as_root("auto", SUDO, SET, False, launcher(SET))
    assert words({**BLUE, "ansible_nsenter_sudo": "always"}) == _launcher.as_root(
        "always", SUDO, SET, False, launcher(SET)
    )
    other = {**BLUE, "ansible_become_exe": "/opt/my sudo", "ansible_become_flags": "-E '$(id)'"}
    sudo = ["/opt/my sudo", "-E", "$(id)", "-u", "root"]
    assert words(other) == _launcher.as_root("auto", sudo, SET, False, launcher(SET))


@pytest.mark.parametrize(
    ("flags", "left"),
    [("-H -S -n", ["-H", "-S"]), ("-HSnE --non-interactive --preserve-env=n", ["-HSE", "--preserve-env=n"])],
)
def test_a_password_is_asked_for(flags: str, left: list[str]) -> None:
    variables = {**BLUE, "ansible_become_pass": "secret", "ansible_become_flags": flags}
    plugin, line = build(variables)
    assert re.fullmatch(r"\[sudo via ansible, key=[a-z]{32}\] password:", plugin.prompt)
    built = shlex.split(line)
    expected = ["sudo", *left, "-p", plugin.prompt, "-u", "root"]
    start = built.index("sudo")
    assert built[start : start + len(expected)] == expected
    assert plugin.expect_prompt()
    assert plugin.check_password_prompt(plugin.prompt.encode())
    assert "secret" not in line


def test_it_is_one_line() -> None:
    """A login shell may be csh, which takes no other."""
    assert "\n" not in build(BLUE)[1]


def test_what_the_shell_has_sent() -> None:
    assert words({**BLUE, "ansible_nsenter_sudo": "never"}, tmpdir="/tmp/it's") == launcher(SET, files="/tmp/it's")


def test_the_job_of_an_async_task() -> None:
    command = "python /tmp/AnsiballZ_async_wrapper.py"
    assert words(BLUE, command=command) == _launcher.as_root("auto", SUDO, SET, True, launcher(SET))
    assert "set ansible_async_dir to an absolute path" in refusal(
        {**BLUE, "ansible_nsenter_user": "bob"}, command=command
    )


def test_nothing_is_built_of_nothing() -> None:
    assert build(BLUE, command="")[1] == ""


# ---- what is refused


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "none is named; give exactly one of ansible_nsenter_name, ansible_nsenter_target_pid"),
        ({"name": "a", "target_pid": 1}, "ansible_nsenter_name and ansible_nsenter_target_pid are given"),
        ({"name": "a", "handles": {}}, "ansible_nsenter_name and ansible_nsenter_handles are given"),
        (
            {"name": ""},
            "it is empty; give it the name of a set; what it is made of may be empty",
        ),
        ({"name": "a/b"}, "is no name of a set"),
        ({"name": "-a"}, "is no name of a set"),
        ({"name": "yes\n"}, "is no name of a set"),
        ({"name": True}, "'True' is no name of a set"),
        ({"target_pid": 0}, "0 is no process"),
        ({"target_pid": -1}, "is no number of plain decimal digits"),
        ({"target_pid": "1_0"}, "is no number of plain decimal digits"),
        ({"target_pid": 4194305}, "is no process"),
        ({"target_pid": ""}, "is no number of plain decimal digits"),
        ({"handles": {}}, "it names no namespace at all"),
        ({"handles": {"net": None}}, "it names no namespace at all"),
        ({"handles": {"net": "run/netns/blue"}}, "is no absolute path"),
        ({"handles": {"net": "/run\n"}}, "is no path on one line"),
        ({"handles": {"net": 7}}, "is no path on one line"),
        ({"handles": {"network": "/x"}}, "'network' is no type of namespace"),
        ({"handles": {1: "/x"}}, "1 is no type of namespace"),
        ({"handles": {"net": "/x"}, "types": ["net", "uts"]}, "it names no uts"),
        ({"name": "a", "types": []}, "it is empty, so nothing is left to enter"),
        ({"name": "a", "types": ["mount"]}, "'mount' is no type of namespace"),
        ({"name": "a", "types": [["net"]]}, "is no type of namespace"),
        ({"name": "a", "user": ""}, "'' is no name of a user"),
        ({"name": "a", "user": "a:b"}, "is no name of a user"),
        ({"name": "a", "user": "a\0"}, "it has a NUL"),
        ({"name": "a", "user": "\ud800"}, "half of a surrogate pair"),
        ({"name": "a", "sudo": "perhaps"}, "nsenter_sudo"),
        ({"name": "a", "sysfs": "perhaps"}, "'perhaps' is no boolean; say true or false"),
        ({"name": "a", "sysfs": ""}, "'' is no boolean"),
        ({"name": "a", "sysfs": 2}, "2 is no boolean"),
        ({"name": "a", "sysfs": [True]}, "[True] is no boolean"),
    ],
)
def test_refused(variables: dict[str, t.Any], expected: str) -> None:
    assert expected in refusal({f"ansible_nsenter_{name}": value for name, value in variables.items()})


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ansible_become_exe": ""}, "'' is no program"),
        ({"ansible_become_exe": "-x"}, "'-x' is no program"),
        ({"ansible_become_flags": "'"}, "these are no words of a shell"),
        ({"ansible_become_flags": "\0"}, "it has a NUL"),
    ],
)
def test_refused_of_sudo(variables: dict[str, str], expected: str) -> None:
    assert expected in refusal({**BLUE, **variables})


@pytest.mark.parametrize("user", ["nobody", "Root", "0", " root", "root\n"])
def test_become_user_is_refused(user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = "say who to be inside with ansible_nsenter_user"
    assert expected in refusal({**BLUE, "ansible_become_user": user})
    assert expected in refusal(BLUE, keys={"become_user": user})
    monkeypatch.setenv("ANSIBLE_BECOME_USER", user)
    assert expected in refusal(BLUE)


def test_root_is_who_it_becomes_anyway() -> None:
    for keys in ({"become_user": "root"}, {"become_user": ""}, {"become_user": None}):
        assert words(BLUE, keys=keys) == words(BLUE)


def test_core_never_takes_it_for_a_user_who_is_there_already() -> None:
    """Where it is the user of the login core would leave the plugin out, silently."""
    plugin, _line = build(BLUE, keys={"become_user": "root"})
    assert plugin.get_option("become_user") is None


# ---- anything at all


@support.properties
@given(name=st.sampled_from(["name", "target_pid", "user", "sudo", "become_exe"]), text=TEXTS)
@example("user", "$(id)")
@example("become_exe", "a b")
def test_any_text_is_refused_or_one_word(name: str, text: str) -> None:
    variable = f"ansible_{name}" if name == "become_exe" else f"ansible_nsenter_{name}"
    variables = {**({} if name in ("name", "target_pid") else BLUE), variable: text}
    try:
        built = words(variables)
    except AnsibleError:
        return
    usual = words(BLUE)
    if name != "target_pid":
        assert len(built) == len(usual)
        assert sum(ours != theirs for ours, theirs in zip(built, usual)) <= (12 if name == "name" else 1)
    assert any(text in word for word in built)


@support.properties
@given(st.dictionaries(st.sampled_from(TYPES), TEXTS.map(lambda text: "/" + text), min_size=1))
def test_any_handle_is_refused_or_one_word(handles: dict[str, str]) -> None:
    try:
        built = words({"ansible_nsenter_handles": handles, "ansible_nsenter_sudo": "never"})
    except AnsibleError:
        return
    assert {
        built[number]: built[number + 2] for number in range(len(built) - 3 * len(handles), len(built), 3)
    } == handles


@support.properties
@given(st.lists(TEXTS.filter(lambda text: "\0" not in text)))
def test_flags_are_the_words_that_a_shell_makes_of_them(flags: list[str]) -> None:
    try:
        built = words({**BLUE, "ansible_become_flags": shlex.join(flags)})
    except AnsibleError:
        assert any("\ud800" <= character <= "\udfff" for flag in flags for character in flag)
        return
    start = built.index("sudo")
    assert built[start : start + len(flags) + 3] == ["sudo", *(flags or []), "-u", "root"]


@support.properties
@given(TEXTS)
def test_what_is_built_is_what_sh_reads(text: str) -> None:
    """A shell makes the same words of the line as shlex does."""
    try:
        _plugin, line = build({**BLUE, "ansible_nsenter_user": text, "ansible_nsenter_sudo": "never"})
    except AnsibleError:
        return
    done = subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], check=True, stdout=subprocess.PIPE)
    assert done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1] == shlex.split(line)


def test_another_shell_family_is_said() -> None:
    plugin = become()
    plugin.set_options(var_options=BLUE)
    shell = types.SimpleNamespace(tmpdir=None, executable="/bin/sh", SHELL_FAMILY="x", _load_name="x")
    with pytest.raises(AnsibleError, match="become"):
        plugin.build_become_command(COMMAND, shell)
