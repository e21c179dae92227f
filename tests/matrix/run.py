# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Try the collection with every ansible-core from 2.18 on, and every Python here that it supports on a target.

    run.py --fetch       make the environments that this takes, below .ansible/matrix
    run.py [VERSION ...] try it; given versions of Python, with these alone

With each pair of an ansible-core and a Python that it supports on a target: every file that a target gets is imported,
playbook.yml runs every module, and the unit tests that need ansible-core run. The others run once with each Python.

Of each minor version of ansible-core it is the newest one. Which Pythons it supports it says itself, in ansible-test.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import time
import typing as t
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
HOME = ROOT / ".ansible/home"
COLLECTIONS = ROOT / ".ansible/collections"
PLACE = ROOT / ".ansible/matrix"
PLAN = PLACE / "plan.json"
REQUIREMENTS = HERE / "requirements.txt"
OLDEST = (2, 18)
SECONDS = 1200
UNITS = "other unit tests"
FAULTS = ("test_faults.py", "test_persistent_faults.py")
# Where ansible-core plays a part. There is none for the other unit tests.
WITH_CORE = (
    *("test_facts_module.py", "test_module.py", "test_named.py", "test_persistent_module.py", "test_propagation.py"),
    *("test_network_module.py", "test_networks.py", "test_boot_module.py"),
)
# Several run at once, and look at everything that there is.
SEAL = (
    *("unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--propagation", "private"),
    *("--fork", "--kill-child", "--mount-proc", "sh", "-ec"),
    *('mount -t tmpfs -o mode=755 run /run; mkdir /run/mount; ip link set lo up; "$@"', "sh"),
)
PROBE = """
import ensurepip, os, sys, venv
print("{}.{}".format(*sys.version_info), os.path.realpath(sys.executable))
"""


class Core(t.NamedTuple):
    version: str
    controllers: list[str]
    targets: list[str]

    @property
    def name(self) -> str:
        return f"ansible-core {self.version}"

    @property
    def minor(self) -> str:
        return self.version.rpartition(".")[0]

    @property
    def files(self) -> Path:
        return PLACE / f"core-{self.minor}"

    @property
    def environment(self) -> Path:
        return PLACE / f"controller-{self.minor}"


class Plan(t.NamedTuple):
    cores: list[Core]
    pythons: dict[str, str]
    """The path of each version that is here."""

    def controller(self, core: Core) -> str | None:
        """The newest Python here that this core runs with."""
        return max(set(core.controllers) & set(self.pythons), key=numbers, default=None)

    @property
    def targets(self) -> list[str]:
        return sorted({version for core in self.cores for version in core.targets}, key=numbers)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


# ---- fetch


def fetch() -> None:
    """Make the environments, unless they are there for the Pythons that are here now, and up to date."""
    if PLAN.exists() and PLAN.stat().st_mtime > REQUIREMENTS.stat().st_mtime:
        plan = read_plan()
        if plan.pythons == find_pythons(plan.targets):
            return
    shutil.rmtree(PLACE, ignore_errors=True)
    plan = Plan([fetch_core(version) for version in newest_cores()], {})
    plan = plan._replace(pythons=find_pythons(plan.targets))
    for core in plan.cores:
        if controller := plan.controller(core):
            make_environment(core.environment, plan.pythons[controller], *core.files.glob("*.whl"))
    for version, python in plan.pythons.items():
        make_environment(PLACE / f"python-{version}", python, "--requirement", REQUIREMENTS)
    PLAN.write_text(json.dumps(plan))


def read_plan() -> Plan:
    cores, pythons = json.loads(PLAN.read_text())
    return Plan([Core(*core) for core in cores], pythons)


def newest_cores() -> list[str]:
    listed = pip(sys.executable, "index", "versions", "ansible-core", "--ignore-requires-python")
    (found,) = re.findall("^Available versions: (.*)", listed, re.MULTILINE)
    versions = sorted(map(numbers, found.split(", ")))
    newest = {version[:2]: version for version in versions if version >= OLDEST}
    return [".".join(map(str, version)) for version in newest.values()]


def fetch_core(version: str) -> Core:
    """Have the files of a core, which are a target's too."""
    core = Core(version, [], [])
    only = ("--no-deps", "--ignore-requires-python", "--only-binary", ":all:")
    pip(sys.executable, "download", *only, "--dest", core.files, f"ansible-core=={version}")
    (wheel,) = core.files.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(core.files)
    source = (core.files / "ansible_test/_util/target/common/constants.py").read_text()
    lists = dict(re.findall(r"^(\w+)_PYTHON_VERSIONS = (\([^)]*\))", source, re.MULTILINE))
    remote, controllers = (list(ast.literal_eval(lists[kind])) for kind in ("REMOTE_ONLY", "CONTROLLER"))
    return Core(version, controllers, remote + controllers)


def find_pythons(versions: t.Iterable[str]) -> dict[str, str]:
    """Those that work and have venv, looked for as the Makefile does: a name on the PATH may be a shim that fails."""
    try:
        pyenv = Path(subprocess.run(["pyenv", "root"], check=True, capture_output=True, text=True).stdout.strip())
    except (OSError, subprocess.CalledProcessError):
        pyenv = PLACE
    found = {}
    for version in versions:
        name = f"python{version}"
        for candidate in (name, *map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/{name}")))):
            try:
                done = subprocess.run([candidate, "-I", "-c", PROBE], check=False, capture_output=True, text=True)
            except OSError:
                continue
            if done.stdout.startswith(f"{version} "):
                found[version] = done.stdout.strip().partition(" ")[2]
                break
    return found


def make_environment(place: Path, python: str, *what: str | Path) -> None:
    subprocess.run([python, "-m", "venv", place], check=True)
    pip(place / "bin/python", "install", *what)


def pip(python: str | Path, *words: str | Path) -> str:
    command = [python, "-m", "pip", "--disable-pip-version-check", *words]
    own = {"HOME": str(HOME), "PIP_CACHE_DIR": str(HOME / ".cache/pip")}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **own})
    if done.returncode:
        words_given = " ".join(map(str, words))
        sys.exit(
            f"{done.stdout}{done.stderr}\nThis needs a Python package index that can be reached: pip {words_given}"
        )
    return done.stdout


# ---- run


class Outcome(t.NamedTuple):
    code: int
    output: str

    @property
    def verdict(self) -> str:
        return "FAILED" if self.code else "passed"

    @property
    def skipped(self) -> list[str]:
        """What the unit tests say of those that were skipped."""
        return [line for line in self.output.splitlines() if line.startswith("SKIPPED")]


Command = t.Sequence[str | Path]
Outcomes = t.Mapping[tuple[str, str], Outcome]
"""By what was tried (a core, or the unit tests that need none), and the Python of the target."""


def run(wanted: list[str]) -> int:
    """Try it; 1 when something fails."""
    plan = read_plan()
    if unknown := set(wanted) - set(plan.pythons):
        sys.exit(f"There is no Python {', '.join(unknown)} here; there are {', '.join(plan.pythons)}.")
    modules = [f"linux.namespaces.{path.stem}" for path in sorted((ROOT / "plugins/modules").glob("*.py"))]
    if missing := [name for name in modules if f"{name}:" not in (HERE / "playbook.yml").read_text()]:
        sys.exit(f"tests/matrix/playbook.yml does not run {', '.join(missing)}.")
    here = [version for version in plan.pythons if version in (wanted or plan.pythons)]
    jobs = {(UNITS, version): [without_core(version)] for version in here}
    for core in plan.cores:
        for version in here:
            if version in core.targets and plan.controller(core):
                jobs[core.name, version] = with_core(core, version, plan.pythons[version])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {key: pool.submit(try_and_tell, *key, commands) for key, commands in jobs.items()}
        outcomes = {key: future.result() for key, future in running.items()}
    print(*table(plan, outcomes), "", "Skipped:", *skipped(plan, wanted, outcomes), sep="\n")
    return int(any(outcome.code for outcome in outcomes.values()))


def without_core(version: str) -> Command:
    ignored = [f"--ignore=tests/unit/{name}" for name in (*FAULTS, *WITH_CORE)]
    return (*pytest(version, "without"), *ignored)


def with_core(core: Core, version: str, python: str) -> list[Command]:
    """Import the files, run the modules and the unit tests with this core and this Python on the target."""
    # It has pyroute2.
    target = str(PLACE / f"python-{version}/bin/python")
    given = {"ansible_python_interpreter": target, "core": core.version, "set": f"matrix-{core.minor}-{version}"}
    path = f"pythonpath={COLLECTIONS.relative_to(ROOT)} {core.files.relative_to(ROOT)}"
    return [
        (python, "-I", "-W", "error", HERE / "imports.py", core.files, COLLECTIONS),
        (core.environment / "bin/ansible-playbook", HERE / "playbook.yml", "--extra-vars", json.dumps(given)),
        (*pytest(version, core.minor), "-o", path, *(f"tests/unit/{name}" for name in WITH_CORE)),
    ]


def pytest(version: str, what: str) -> Command:
    environment = PLACE / f"python-{version}"
    return (environment / "bin/python", "-m", "pytest", "-q", "-o", f"cache_dir={environment}/pytest-{what}")


def try_and_tell(what: str, version: str, commands: list[Command]) -> Outcome:
    """Run the commands until one fails, and tell how it went."""
    started = time.monotonic()
    for command in commands:
        outcome = outcome_of(command)
        if outcome.code:
            break
    seconds = time.monotonic() - started
    lines = outcome.output.splitlines()[-1 if not outcome.code else 0 :]
    print(f"{what}, target Python {version}: {outcome.verdict} in {seconds:.0f} s", *lines, sep="\n", flush=True)
    return outcome


def outcome_of(command: Command) -> Outcome:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    done = subprocess.run(
        ("timeout", "--signal=KILL", str(SECONDS), *SEAL, *command),  # unshare takes no notice of other signals
        check=False,
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".ansible/hypothesis"),
            "PATH": path,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Outcome(done.returncode, done.stdout)


# ---- what is said


def table(plan: Plan, outcomes: Outcomes) -> t.Iterator[str]:
    """A row for each Python of a target, a column for each core."""
    columns = [*(core.name for core in plan.cores), UNITS]
    yield ""
    yield row("target Python", columns)
    for version in plan.targets:
        found = [outcomes.get((what, version)) for what in columns]
        yield row(version, [outcome.verdict if outcome else "skipped" for outcome in found])


def row(name: str, cells: t.Iterable[str]) -> str:
    return f"{name:15}" + "".join(f"{cell:22}" for cell in cells).rstrip()


def skipped(plan: Plan, wanted: list[str], outcomes: Outcomes) -> t.Iterator[str]:
    """What was not tried, and why."""
    for version in plan.targets:
        if version not in plan.pythons:
            yield f"Python {version}: none that works and has venv is on the PATH or in pyenv"
        elif version not in (wanted or plan.targets):
            yield f"Python {version}: was not asked for"
    for core in plan.cores:
        if not plan.controller(core):
            yield f"{core.name}: no Python that it runs with is here ({', '.join(core.controllers)})"
        if missing := [version for version in plan.targets if version not in core.targets]:
            yield f"{core.name} with Python {', '.join(missing)}: does not support it on a target"
    for line in sorted({line for outcome in outcomes.values() for line in outcome.skipped}):
        pythons = sorted({key[1] for key, outcome in outcomes.items() if line in outcome.skipped}, key=numbers)
        yield f"{line} (Python {', '.join(pythons)})"
    yield f"{', '.join(FAULTS)}: to inject faults with each takes too long; make test does it, with one Python"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fetch", action="store_true")
    parser.add_argument("versions", nargs="*")
    options = parser.parse_args()
    if options.fetch:
        fetch()
        return 0
    return run(options.versions)


if __name__ == "__main__":
    sys.exit(main())
