# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The command that goes into namespaces and runs another one there, in the words of sh and util-linux.

Two scripts: one runs where the login is, looks at the namespaces and holds them, the other goes on inside. All that a
task gives comes to them as an argument and never as a part of their text. Sources: nsenter(1), unshare(1), setpriv(1).
"""

from __future__ import annotations

import typing as t

from ..module_utils._kernel import nstypes
from ..module_utils._namespaces import memory

NAME = "linux.namespaces.nsenter"
"""What the scripts call themselves in messages."""

FAILURE = 125
"""The status with which they end when the command was not started, as of env(1)."""

LENIENT, SKIPPING, STRICT = "lenient", "skipping", "strict"
"""What is done about a type that is not there or is ours: leave it out; the first alone; refuse either."""

_OPTIONS: t.Mapping[nstypes.NsType, str] = {nstypes.MNT: "--mount"}
_SHELL = ("/bin/sh", "-c")


class Target(t.NamedTuple):
    """What to enter: the paths of namespaces by type, as seen from a directory."""

    title: str
    """As it follows "cannot enter"."""
    place: str
    gone: str
    """What it means when the directory is not there."""
    rule: str
    paths: t.Mapping[nstypes.NsType, str]
    cgroup: str = ""
    """Where below the hierarchy of version 2 its cgroup namespace begins, if that is known."""
    memory: str = ""
    """A pattern for the links that say of which types it has to have a namespace, if that counts."""


def of_set(name: str, kinds: t.Sequence[nstypes.NsType] | None) -> Target:
    """The set of that name. Its handles are where PID 1 sees them: a connection may have other mounts."""
    return Target(
        f"the set {name}",
        "/proc/1/root",
        "the mounts of PID 1 are out of reach",
        SKIPPING if kinds is None else STRICT,
        {kind: f"{kind.directory[1:]}/{name}" for kind in kinds or nstypes.ALL},
        f"linux-namespaces/{name}",
        f"{memory.MEMORY[1:]}/{memory.link_of('*', name)}" if kinds is None else "",
    )


def of_process(pid: int, kinds: t.Sequence[nstypes.NsType] | None) -> Target:
    """The namespaces of a process. Who is in its directory below /proc is never led to another one of the same pid."""
    return Target(
        f"the namespaces of process {pid}",
        f"/proc/{pid}/ns",
        "there is no such process; look it up again, it may have ended",
        LENIENT if kinds is None else STRICT,
        {kind: kind.name for kind in kinds or nstypes.ALL},
    )


def of_handles(handles: t.Mapping[nstypes.NsType, str]) -> Target:
    """The namespaces at these absolute paths."""
    return Target("the namespaces at the handles", "/", "there is no /", STRICT, handles)


def command(target: Target, user: str, sysfs: bool, files: str) -> list[str]:
    """The words that go before those of the command.

    user: who to be inside, empty for root. files: the directory that the command may want to read, or empty.
    """
    triples = [
        word for kind, path in target.paths.items() for word in (kind.name, _OPTIONS.get(kind, f"--{kind.name}"), path)
    ]
    return [
        *(*_SHELL, _one_line(f"({_FAIL}{_OUTSIDE}){_END}"), NAME, target.title, target.place, target.gone, target.rule),
        *(target.cgroup, "yes" if sysfs else "no", _one_line(_FAIL + _INSIDE), user, files),
        *(target.memory, str(len(target.paths)), *triples),
    ]


def as_root(how: str, sudo: t.Sequence[str], target: Target, in_home: bool, launcher: t.Sequence[str]) -> list[str]:
    """The launcher below sudo: always, or (auto) unless whoever logged in is root.

    in_home: the command leaves the state of an async job in the home directory of who runs it.
    """
    options = (target.title, how, "yes" if in_home else "no", str(len(sudo)))
    return [*_SHELL, _one_line(_FAIL + _AS_ROOT), NAME, *options, *sudo, *launcher]


def _one_line(script: str) -> str:
    """Some login shells take no line break in quotes. No line of ours needs its own to mean what it means."""
    return " ".join(line.strip() for line in script.splitlines() if line)


# Core shows what looks like the answer of a module as that of the task.
_FAIL = rf"""
fail() {{
  printf "{{\"failed\": true, \"msg\": \"%s\"}}\n"
    "$(printf "%s" "$0: cannot enter $target: $1" | sed "s/[\\\\\"]/\\\\&/g")";
  exit {FAILURE};
}};
"""

# To ssh 255 is a lost host, and so is a command that a signal ended. What is inside shall feign neither.
_END = """;
status=$?;
if [ "$status" = 255 ]; then status=254; fi;
exit "$status"
"""

# What waits for an async job looks for it in the home directory of the login.
_AS_ROOT = r"""
target=$1 sudo=$2 async=$3 words=$4;
shift 4;
uid=$(id -u);
if [ "$uid" != 0 ] && [ "$async" = yes ]; then
  fail "the job of an async task would be lost in the home of root; set ansible_async_dir to an absolute path";
fi;
if [ "$uid" = 0 ] && [ "$sudo" = auto ]; then shift "$words"; fi;
command -v "$1" >/dev/null || fail "there is no $1 to become root by; install it, or log in as root";
exec "$@"
"""

# The shell can name seven descriptors beside the three of the command; an eighth namespace is not held, only looked at.
# Where PID 1 is guarded, from root too, the ids of mounts say whether it has the same: they are of one namespace only.
# A regular file is asked for first, as to open a fifo would wait. nsenter is tried before it is executed, so that what
# it says of a failure can be explained. Between joining a user namespace and becoming its root nsenter could be traced
# by who is root there (CVE-2016-9962), and so does that with the ids of nobody at all, and no more than it needs.
_OUTSIDE = r"""
target=$1 place=$2 gone=$3 rule=$4 cgroup=$5 sysfs=$6 inside=$7 user=$8 files=$9;
shift 9;
memory=$1 count=$2;
shift 2;
for name in $(env | sed -n "s/^\([A-Z_][A-Za-z0-9_]*\)=.*/\1/p"); do
  case $name in PYTHON* | LD_* | ANSIBLE_*) unset "$name";; esac;
done;
if [ "$place" = /proc/1/root ]; then
  if [ -e /proc/1/ns/mnt ]; then
    if [ /proc/1/ns/mnt -ef /proc/self/ns/mnt ]; then place=/; fi;
  elif [ "$(sed "s/ .*//" /proc/1/mountinfo /proc/self/mountinfo 2>/dev/null | sort | uniq -d)" ]; then
    place=/;
  fi;
fi;
here=$PWD;
cd -P "$place" 2>/dev/null || fail "$gone";
known=${memory%/*};
if [ -h "$known" ] || [ -e "$known" ]; then
  if [ -h "$known" ] || [ ! -d "$known" ]; then fail "/$known, which tells what it has to have, is no directory"; fi;
  [ -r "$known" ] || fail "what the set has to have can not be read; run the task as root (sudo), or name the types";
fi;
known=" ";
recall() {
  for entry in $memory; do
    if [ -h "$entry" ] || [ -e "$entry" ]; then entry=${entry##*/}; known="$known${entry%%:*} "; fi;
  done;
};
recall;
fd=3 options= entered=" " missing=;
while [ "$count" -gt 0 ]; do
  count=$((count - 1)) kind=$1 option=$2 path=$3;
  shift 3;
  case $path in /*) shown=$path;; *) shown=${PWD%/}/$path;; esac;
  eval "at_$kind=\$shown";
  if [ ! -e "$path" ]; then
    [ "$rule" != strict ] || fail "there is no $kind namespace at $shown; create it first, or leave $kind out";
    [ "$rule" != lenient ] || [ ! -e "/proc/self/ns/$kind" ] ||
      fail "it has no $kind namespace any more: it ends, or its first thread has; name another process";
    missing="$missing $kind";
    continue;
  fi;
  if [ -h "$path" ]; then
    case $(readlink "$path") in
      "$kind":[[]*]) ;;
      *) fail "$shown is a symbolic link, and none to a $kind namespace; give the path of the handle itself";;
    esac;
  fi;
  [ -f "$path" ] || fail "$shown is no namespace; give the path of the handle itself";
  if [ "$fd" -le 9 ]; then
    eval "exec $fd<\"\$path\"";
    held=/proc/self/fd/$fd;
  else
    held=$path;
  fi;
  if [ "$held" -ef "/proc/self/ns/$kind" ]; then
    [ "$rule" = lenient ] ||
      fail "its $kind is the one that the task itself runs in, so the work would be done on the host; name another one";
    continue;
  fi;
  if [ "$fd" -le 9 ]; then options="$options $option=$held"; else options="$options $option=\"\$held\""; fi;
  entered="$entered$kind ";
  fd=$((fd + 1));
done;
recall;
for kind in $missing; do
  case $known in *" $kind "*)
    eval "shown=\$at_$kind";
    fail "it has lost its $kind namespace: nothing is at $shown; repair the set with linux.namespaces.ns_persistent";;
  esac;
done;
caps=+sys_admin,+sys_chroot,+setuid,+setgid,+dac_override,+dac_read_search,+sys_ptrace;
if [ "$entered" = " " ]; then
  [ "$rule" = lenient ] || fail "there is no such set; create it with linux.namespaces.ns_persistent";
  fail "nothing is left to enter: all that it has are those that the task runs in, or it has ended";
fi;
as=;
case $entered in
  *" user "*)
    as="setpriv --reuid=4294967294 --regid=4294967294 --clear-groups --inh-caps=$caps --ambient-caps=$caps --";;
  *) if { [ "$(id -u)" = 0 ] && setpriv --inh-caps=-all true; } 2>/dev/null; then as="setpriv --inh-caps=-all --"; fi;;
esac;
if said=$(eval "LC_ALL=C $as nsenter $options -- /bin/sh -c :" 2>&1); then :; else
  case $said in
    *"execute /bin/sh"*) hint="what is run inside takes a shell there";;
    *"not found"*) hint="install util-linux";;
    *ambient* | *capabilit*) hint="take util-linux 2.31 or later, and run the task with all capabilities";;
    *option*) hint="install a newer util-linux, cgroup takes 2.28 and time 2.36";;
    *setgid* | *setuid*) hint="its user namespace has no 0 in its maps; make it with one (recreate)";;
    *"Invalid argument"*) hint="it is of another type, or what is left of a handle whose mount is gone;
      linux.namespaces.ns_persistent repairs a set";;
    *"not permitted"* | *denied*) hint="run the task as root (sudo), or enter its user namespace too";;
    *memory*) hint="the pid namespace at $at_pid has lost its init; linux.namespaces.ns_persistent repairs a set";;
    *) hint="see nsenter(1)";;
  esac;
  for kind in $entered; do
    eval "shown=\$at_$kind";
    case $said in *"'ns/$kind'"*) said="${said%%"'ns/$kind'"*}$shown${said#*"'ns/$kind'"}";; esac;
  done;
  fail "$(printf "%s" "$said" | head -n 1): $hint";
fi;
case $entered in
  *" cgroup "*)
    for top in $(sed -n "s/^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .* - cgroup2 .*/\1/p" /proc/self/mountinfo); do
      if [ "$cgroup" ] && [ -d "$top/$cgroup" ]; then echo 0 >"$top/$cgroup/cgroup.procs"; break; fi;
    done;;
esac;
if [ "$files" ] && [ -z "$(ls -A "$files" 2>/dev/null)" ]; then files=; fi;
mounts=;
case $sysfs$entered in
  *" mnt "*) sysfs=no here=/;;
  yes*" net "*) mounts="unshare --mount --propagation slave --";;
  *) sysfs=no;;
esac;
eval "exec $as nsenter $options -- $mounts /bin/sh -c \"\$inside\" \"\$0\" \"\$target\" \"\$here\" $sysfs
\"\$user\" \"\$files\"
\"\$@\""
"""

# The old /sys stays reachable as the working directory when the new one covers it; mount(8) has to leave the paths as
# they are. /etc/passwd and /etc/group are read as text: NSS could ask elsewhere. A user of another name that has the
# id 0 is refused, and an id is never taken for a name. setpriv takes 4294967296 for 0, and the id below for none.
_INSIDE = r"""
target=$1 here=$2 sysfs=$3 user=$4 files=$5;
shift 5;
exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-;
if [ "$sysfs" = yes ]; then
  (
    under= kept= options=nosuid,nodev,noexec;
    while read -r id parent device root point access rest; do
      if [ "$point" = /sys ]; then under=$id old=$access; fi;
    done </proc/self/mountinfo;
    while read -r id parent device root point rest; do
      if [ "$parent" = "$under" ]; then kept="$kept $point"; fi;
    done </proc/self/mountinfo;
    case $old in ro | ro,*) options=$options,ro;; esac;
    cd /sys || exit;
    said=$(LC_ALL=C mount -t sysfs -o "$options" sysfs /sys 2>&1) ||
      case $said in
        *"already mounted"*) exit 0;;
        *) printf "%s\n" "$said" >&2; exit 1;;
      esac;
    for point in $kept; do mount --no-canonicalize --rbind ".${point#/sys}" "$point" || exit; done;
  ) || fail "a /sys that shows its interfaces can not be mounted; set ansible_nsenter_sysfs to false";
fi;
cd "$here" 2>/dev/null || cd /;
is_id() {
  case $1 in "" | *[!0-9]* | 0?* | ???????????*) return 1;; esac;
  [ "$1" -le 4294967294 ];
};
as=;
if [ "$user" ]; then
  account=;
  case $user in *[!0-9]*) number=no;; *) number=yes;; esac;
  [ -f /etc/passwd ] || fail "it has no /etc/passwd to find the user $user in";
  while IFS=: read -r name password uid gid comment home login || [ "$name" ]; do
    if [ "$number$uid" = "yes$user" ] || [ "$number$name" = "no$user" ]; then account=$name; break; fi;
  done </etc/passwd;
  [ "$account" ] || fail "its /etc/passwd has no user $user, and it counts, not that of the host";
  for id in "$uid" "$gid"; do is_id "$id" || fail "its /etc/passwd has no ids for the user $user"; done;
  if [ "$uid" = 0 ]; then
    case $user in 0 | root) ;; *) fail "the user $user is 0 inside, and so root; say root if that is meant";; esac;
  fi;
  groups=;
  if [ -f /etc/group ]; then
    while IFS=: read -r name password id members || [ "$name" ]; do
      case ,$members, in *",$account,"*)
        is_id "$id" || fail "its /etc/group has no id for a group of the user $user";
        groups=$groups,+$id;;
      esac;
    done </etc/group;
  fi;
  groups=${groups#,};
  set_groups=--clear-groups;
  if [ "$groups" ]; then set_groups=--groups=$groups;
  elif [ "$(cat /proc/self/setgroups 2>/dev/null)" = deny ]; then set_groups=--keep-groups; fi;
  as="setpriv --reuid=+$uid --regid=+$gid $set_groups --inh-caps=-all --";
  said=$(LC_ALL=C $as true 2>&1) || fail "what runs inside can not be $user: $said";
  export HOME="$home" USER="$account" LOGNAME="$account" SHELL="${login:-/bin/sh}";
fi;
if [ "$files" ]; then
  $as /bin/sh -c "test -r \"\$1\" && test -x \"\$1\"" "$0" "$files" ||
    fail "the task has put files into $files, which can not be read inside; set ansible_pipelining to true,
      and for what needs files even so (copy, template, script, async) set ansible_remote_tmp to a directory that is the
      same inside";
fi;
exec $as "$@"
"""
