# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ns_findings
short_description: Say what is wrong with the namespaces of a host
description:
  - Judges facts of M(linux.namespaces.ns_facts) by the rules that M(linux.namespaces.ns_audit) has, which
    C(docs/findings.md) of the collection lists. No host is contacted, so that facts of earlier, or of hosts that are
    out of reach now, can be judged too.
  - Gather the facts as root and without narrowing them. Where O(linux.namespaces.ns_facts#module:types),
    O(linux.namespaces.ns_facts#module:name) or others leave namespaces out, these are not judged, a user namespace that
    only they use seems to be used by nobody, and all of them are gone since a O(baseline). What a scan without some
    O(linux.namespaces.ns_facts#module:sources) did not see is known to be missing, and told so.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
options:
  _input:
    description: The facts, C(ansible_facts.linux_namespaces), not of
      O(linux.namespaces.ns_facts#module:detail=summary). Or what M(linux.namespaces.ns_audit) has written of the host,
      whose facts are judged anew.
    type: dict
    required: true
  rules:
    description: Judge by these rules alone, by their ids or groups, where C(*) and C(?) stand for any characters and
      any one. If omitted, by all.
    type: list
    elements: str
  skip_rules:
    description: Do not judge by these rules, named as in O(rules).
    type: list
    elements: str
  allow:
    description:
      - Findings that are known and wanted. They have C(allowed) set.
      - C(id) is the id of the rule. C(reason) says why it is wanted. C(expires) is the last day on which it is, as
        V(2027-01-31), for good if omitted. C(match) says which of its findings, all if omitted. Every key of that has
        to match. They are C(name) and C(type) of the namespace, or of the one that should be at a handle that leads to
        none, C(path) of a bind mount of it among the mounts of the host or of such a handle, C(owner_uid) of who made
        its user namespace, and C(unit), C(container) and C(comm) of the process that leads in it. Where nobody is in
        it, they are those of all who hold it, but for bind mounts. C(comm) is no boundary, for a process calls itself
        as it likes. In the values C(*) and C(?) stand for any characters and any one.
      - An entry that has expired allows nothing, and is a finding itself where there is what it allowed. So is one that
        nothing needs.
    type: list
    elements: dict
  declared:
    description: Names of sets that are there on purpose, where C(*) and C(?) stand for any characters and any one. Sets
      that the role P(linux.namespaces.boot#role) has declared on the host need not be named.
    type: list
    elements: str
  thresholds:
    description:
      - From where on something is a finding.
      - C(limit_percent) (80) is how much of a C(user.max_*_namespaces) may be used up. C(nesting_depth) (28, of 32) is
        how deeply user and PID namespaces may be nested.
      - C(user_namespaces) says who may make them. With V(report), which is what it is if omitted, it is told as V(info)
        when anybody may; with V(allow) it is not told; with V(privileged) only root may, and with V(forbid) nobody.
      - C(host_network), C(host_pid), C(host_ipc) and C(host_user) say whether something that is isolated may be in this
        namespace of the host, V(allow), V(report) (as V(info)) or V(forbid). If omitted, the first is V(report), the
        others are V(allow).
    type: dict
  baseline:
    description: What the host was like, to find what has changed since. Facts, or what M(linux.namespaces.ns_audit) has
      written of the host.
    type: dict
seealso:
  - module: linux.namespaces.ns_facts
  - module: linux.namespaces.ns_audit
  - plugin: linux.namespaces.ns_diff
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Look at the host
  linux.namespaces.ns_facts:

- name: Say what is wrong there
  ansible.builtin.debug:
    msg: "{{ item.severity }} {{ item.title }}: {{ item.evidence }}"
  loop: "{{ ansible_facts.linux_namespaces | linux.namespaces.ns_findings | rejectattr('severity', 'eq', 'info') }}"
  loop_control:
    label: "{{ item.id }}"

- name: Nothing leaks but what we know of
  ansible.builtin.assert:
    that: ansible_facts.linux_namespaces | linux.namespaces.ns_findings(rules=['leaks'], allow=known)
      | rejectattr('allowed') | rejectattr('severity', 'eq', 'info') == []
  vars:
    known:
      - id: leak-bind-only
        match: {name: lab-*}
        reason: the lab makes them by hand
        expires: 2027-01-31

- name: See what has changed since last month, with facts of then
  ansible.builtin.debug:
    msg: "{{ ansible_facts.linux_namespaces | linux.namespaces.ns_findings(rules=['drift'], baseline=last_month) }}"
  vars:
    last_month: "{{ lookup('ansible.builtin.file', inventory_hostname ~ '.json') | from_json }}"
"""

RETURN = r"""
_value:
  description: What was found, the worst first.
  type: list
  elements: dict
  contains:
    id:
      description: The id of the rule.
      type: str
    severity:
      description: V(critical), V(high), V(medium), V(low) or V(info). What every host has as it comes is V(info).
      type: str
    title:
      description: What it is.
      type: str
    namespace:
      description: The namespace, or null where it is about none or about all. C(name) and C(path) may be null, and of
        one that the baseline has and the host no longer, C(inode) and C(id) are.
      type: dict
      sample: {type: net, inode: 4026532503, id: 77, name: blue, path: /run/netns/blue}
    subject:
      description: What tells it from what else the same rule found, where that is no namespace of the host, or null. It
        is the path of a handle, the type of namespaces that are nearly used up, the name of a sysctl, the reason why
        something was not looked at, the entry of O(allow), or a namespace that is no longer there.
      type: str
    evidence:
      description: What was seen, in one line of 300 characters at most, with nothing in it that a terminal acts upon.
      type: str
    remediation:
      description: What to do about it.
      type: str
    source:
      description: Where it is known from.
      type: str
    allowed:
      description: The C(reason) and C(expires) of the entry of O(allow) that allows it, or null.
      type: dict
"""

import datetime as dt
import typing as t

from ..plugin_utils._audit.baseline import read_baseline
from ..plugin_utils._audit.judge import judge
from ..plugin_utils._audit.model import Finding
from ..plugin_utils._audit.result import facts_of, read


def ns_findings(
    facts: t.Any,
    rules: t.Any = None,
    skip_rules: t.Any = None,
    allow: t.Any = None,
    declared: t.Any = None,
    thresholds: t.Any = None,
    baseline: t.Any = None,
) -> list[Finding]:
    """What is wrong with a host, in the shape that RETURN says. Raises AnsibleFilterError."""
    if isinstance(facts, t.Mapping) and "findings" in facts:
        facts = facts_of(read(facts), "the result", "judge; take the result of another day")
    found = judge(
        facts,
        today=dt.datetime.now(dt.timezone.utc).date(),
        rules=rules,
        skip_rules=skip_rules,
        allow=allow,
        declared=declared,
        thresholds=thresholds,
        baseline=None if baseline is None else read_baseline(baseline),
    )
    return [*found.findings]


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters here, by name."""
        return {"ns_findings": ns_findings}
