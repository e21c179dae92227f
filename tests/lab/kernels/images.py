# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch Debian's kernels, and make the disk with Python, pytest and Ansible that machines boot from with each of them.

    images.py FOLDER

As root. The packages come from where the machine's own Debian packages come from. FOLDER gets `disk` and, for each
kernel, a folder with `vmlinuz` and `initrd`; run.py boots them.
"""

from __future__ import annotations

import gzip
import lzma
import os
import re
import shutil
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.linux.namespaces.tests.lab import root as lab_root

KERNELS = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "7": "trixie-backports"}
"""The beginning of the version, and the suite that has it."""
SUITE = "trixie"
PACKAGES = (
    "ansible-core",
    "busybox-static",
    "git",
    "iproute2",
    "iptables",
    "kmod",
    "perl-base",
    "procps",
    "psmisc",
    "python3",
    "python3-hypothesis",
    "python3-pyroute2",
    "python3-pytest",
    "strace",
    "uidmap",
)
METAPACKAGE = "linux-image-cloud-amd64"
KERNEL_FILES = ("boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz")
# What the disk is reached by; a kernel may have some of it built in.
MODULES = ("virtio_pci", "virtio_blk", "ext4")
# The disk is the root. The second one is the checkout, as an archive.
INIT = """\
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do /bin/busybox insmod $module; done
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mount -t tmpfs tmpfs /root/srv
/bin/busybox tar -x -f /dev/vdb -C /root/srv
exec /bin/busybox switch_root /root /usr/bin/python3 /srv/tests/lab/kernels/guest.py
"""


def main(folder: str) -> int:
    made = Path(folder).resolve()
    top = made.with_name(f"{made.name}.new")
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir(parents=True)
    if not lab_root.sources(SUITE):
        print("apt knows no archive of Debian here: apt-get update", file=sys.stderr)
        return 1
    packages = Packages(top / "apt")
    root = top / "root"
    lab_root.bootstrap(
        root,
        SUITE,
        PACKAGES,
        "--architectures=amd64",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
    )
    for version, suite in KERNELS.items():
        release = packages.release(version)
        if release is None:
            print(f"There is no kernel {version} in {suite} where this machine's packages come from.", file=sys.stderr)
            return 1
        unpacked = packages.unpack(release, top / "unpacked")
        make_kernel(release, unpacked, root, top / version)
        shutil.rmtree(unpacked)
    make_disk(root, top / "disk")
    shutil.rmtree(root)
    shutil.rmtree(top / "apt")
    shutil.rmtree(made, ignore_errors=True)
    top.rename(made)
    return 0


class Packages:
    """What the archives have, without a word to the apt of this machine."""

    def __init__(self, place: Path) -> None:
        self._place = place
        for folder in ("lists/partial", "cache/archives/partial", "sources.d"):
            (place / folder).mkdir(parents=True)
        (place / "status").touch()
        (place / "sources.list").write_text("\n".join(sources()))
        self._run("apt-get", "update")

    def release(self, version: str) -> str | None:
        """The release of the newest kernel whose version begins so."""
        found = None
        for stanza in self._run("apt-cache", "show", METAPACKAGE).split("\n\n"):
            fields = dict(re.findall(r"^(\S+): (.*)", stanza, re.MULTILINE))
            image = re.search(r"linux-image-(\S+)", fields.get("Depends", ""))
            if image and re.match(rf"{re.escape(version)}\.", fields["Version"]):
                newer = found is None or is_newer(fields["Version"], found[0])
                found = (fields["Version"], image[1]) if newer else found
        return found and found[1]

    def unpack(self, release: str, place: Path) -> Path:
        """The files of a kernel; newer ones are in several packages."""
        depends = self._run("apt-cache", "depends", f"linux-image-{release}")
        names = {name for name in re.findall(r"Depends: (\S+)", depends) if name.endswith(release)}
        downloads = self._place / "cache"
        self._run("apt-get", "download", f"linux-image-{release}", *sorted(names), cwd=downloads)
        for package in downloads.glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", package, place], check=True)
            package.unlink()
        return place

    def _run(self, *command: str, cwd: Path | None = None) -> str:
        options = {
            "APT::Architecture": "amd64",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Dir::Cache": self._place / "cache",
            "Dir::Etc::sourcelist": self._place / "sources.list",
            "Dir::Etc::sourceparts": self._place / "sources.d",
            "Dir::State": self._place,
            "Dir::State::status": self._place / "status",
        }
        words = [f"--option={name}={value}" for name, value in options.items()]
        return subprocess.run(
            [command[0], "--quiet", *words, *command[1:]], cwd=cwd, stdout=subprocess.PIPE, text=True, check=True
        ).stdout


def sources() -> t.Iterator[str]:
    for suite in KERNELS.values():
        lines = lab_root.sources(suite)
        # Backports have no security updates of their own.
        yield from lines[:1] if suite.endswith("-backports") else lines


def is_newer(version: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", version, "gt", other], check=False).returncode == 0


def make_kernel(release: str, unpacked: Path, root: Path, folder: Path) -> None:
    """Give the disk the modules of a kernel, and make a small file system that finds the disk."""
    folder.mkdir()
    (kernel,) = [path for name in KERNEL_FILES for path in unpacked.glob(name)]
    shutil.copy(kernel, folder / "vmlinuz")
    (modules,) = unpacked.glob(f"**/lib/modules/{release}")
    place = root / "usr/lib/modules" / release
    place.parent.mkdir(exist_ok=True)
    shutil.move(modules, place)
    subprocess.run(["chroot", root, "depmod", release], check=True)
    files = {"init": INIT.encode(), "bin/busybox": (root / "bin/busybox").read_bytes()}
    for number, path in enumerate(needed_modules(place)):
        files[f"modules/{number:02}"] = unpacked_module(path)
    with gzip.open(folder / "initrd", "wb") as file:
        file.write(b"".join(archive(["dev", "root", "bin", "modules"], files)))


def needed_modules(place: Path) -> list[Path]:
    """The files of the modules and of what they depend on, in the order in which they can be loaded."""
    found: list[str] = []
    for line in (place / "modules.dep").read_text().splitlines():
        path, _colon, depends = line.partition(":")
        if Path(path).name.partition(".")[0] in MODULES:
            found += [*reversed(depends.split()), path]
    return [place / path for path in dict.fromkeys(found)]


def unpacked_module(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(content)
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "--decompress", "--stdout", path], stdout=subprocess.PIPE, check=True).stdout
    return content


def archive(folders: t.Iterable[str], files: t.Mapping[str, bytes]) -> t.Iterator[bytes]:
    """A file system as the kernel unpacks it: cpio, the newc format."""
    entries = [(name, stat.S_IFDIR | 0o755, b"") for name in folders]
    entries += [(name, stat.S_IFREG | 0o755, content) for name, content in files.items()]
    for number, (name, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")], start=1):
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + path
        yield from (padded(header), padded(content))


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)


def make_disk(root: Path, disk: Path) -> None:
    with disk.open("wb") as file:
        os.truncate(file.fileno(), 4 << 30)
    options = "lazy_itable_init=1,lazy_journal_init=1"
    subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", "-E", options, "-d", root, disk], check=True)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\nThe kernels could not be fetched. KERNELS in {__file__} says which suites have them.")
