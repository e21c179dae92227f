#!/usr/bin/python
# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ns_audit
short_description: Find what is wrong with the namespaces of a host
description:
  - Looks at all namespaces of the host, as M(linux.namespaces.ns_facts) does, and judges what it finds by a list of
    rules. There are namespaces that nothing uses any more, handles that lead nowhere, what exposes the host, limits
    that are nearly reached, and what has changed since a baseline.
  - With O(report_dir) the findings and the facts go into a file on the controller, of which
    M(linux.namespaces.ns_report) makes a report on all hosts.
  - Changes nothing on the host, and is never changed.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
extends_documentation_fragment:
  - linux.namespaces._attributes
attributes:
  action:
    description: Part of it runs on the controller.
    support: full
  async:
    description: Can be run by C(async).
    support: none
    details: The host is judged on the controller, after the module has ended there. C(forks) is how many hosts are
      looked at at once.
  check_mode:
    support: full
    details: The same as without. The files on the controller are written too, also a baseline, since nothing is changed
      on the host.
  diff_mode:
    support: N/A
    details: It changes nothing.
  idempotent:
    support: full
requirements:
  - Python 3.8 or later and Linux 5.10 or later on the target, nothing else
options:
  rules:
    description: Judge by these rules alone, by their ids or groups, where C(*) and C(?) stand for any characters and
      any one. If omitted, by all. Which there are is said in C(docs/findings.md) of the collection.
    type: list
    elements: str
    default: []
  skip_rules:
    description: Do not judge by these rules, named as in O(rules).
    type: list
    elements: str
    default: []
  allow:
    description:
      - Findings that are known and wanted, with the reason. They are told as allowed, and count for nothing.
      - An entry that has expired allows nothing and is a finding itself on a host that has what it allowed. One that
        nothing is found for is told.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: The id of the rule.
        type: str
        required: true
      match:
        description:
          - Which of its findings. Every key has to match. If omitted, all of them.
          - The keys are V(name) and V(type) of the namespace, or of the one that should be at a handle that leads to
            none, V(path) of a bind mount of it among the mounts of the host or of such a handle, V(owner_uid) of who
            made its user namespace, and V(unit), V(container) and V(comm) of the process that leads in it. Where nobody
            is in it, they are those of all who hold it, but for bind mounts. The values are text, where C(*) and C(?)
            stand for any characters and any one.
          - V(comm) is no boundary. A process calls itself as it likes, and a user names his containers so.
        type: dict
      reason:
        description: Why it is wanted.
        type: str
        required: true
      expires:
        description: The last day on which it is (UTC), as C(2027-01-31). If omitted, it is for good.
        type: str
  declared:
    description: Names of sets that are there on purpose, where C(*) and C(?) stand for any characters and any one. Sets
      that the role P(linux.namespaces.boot#role) declares on the host need not be named.
    type: list
    elements: str
    default: []
  thresholds:
    description: From where on something is a finding. Which keys there are, and what they mean, is said in
      C(docs/findings.md) of the collection.
    type: dict
    default: {}
  baseline:
    description:
      - What the host was like, to find what has changed since. A path on the controller, of a result that this module
        wrote for the same host, or of the facts that M(linux.namespaces.ns_facts) returned, as JSON. Nobody but
        the user who runs Ansible, or root, may be able to write to the file.
      - Of a directory it is the file that O(write_baseline) made there for this host. A host that has none there is
        not compared, which is the finding C(drift-not-compared), with a warning. A path where nothing is fails the
        host, unless O(write_baseline) is the same, which makes the directory.
    type: path
  write_baseline:
    description: A directory on the controller where the result is kept as a baseline as well, in place of an earlier
      one, if the host could be looked at, with a warning if not completely. The host is compared with the earlier one
      before. It is made where it is missing. As for O(report_dir), nobody else may be able to write there.
    type: path
  report_dir:
    description:
      - A directory on the controller. The result goes to a file of its own below C(hosts) there, which nobody else can
        read, also where the host is unreachable or fails. It takes the place of what an earlier run wrote.
      - A relative path begins where C(ansible-playbook) was started. It is made where it is missing. A symbolic link, a
        directory of somebody else, or one that others can write to, is refused.
    type: path
notes:
  - Root sees all. An ordinary user gets what he may see, and RV(incomplete_because) and a finding say what that leaves
    out.
  - Of one rule a thousand findings are told, the worst first, and one more that says how many there are besides.
  - A host is not touched, and counts as failed, where one of its facts is called as a variable of the role
    P(linux.namespaces.audit#role), V(audit_*), because Ansible takes facts for variables.
  - It returns no facts, so no fact cache grows by it, and with O(report_dir) no findings, so what is registered of
    10,000 hosts stays small.
seealso:
  - module: linux.namespaces.ns_facts
  - module: linux.namespaces.ns_report
  - plugin: linux.namespaces.ns_findings
    plugin_type: filter
  - ref: linux.namespaces.audit role <ansible_collections.linux.namespaces.audit_role>
    description: Audits a fleet.
"""

EXAMPLES = r"""
- name: See what is wrong with the namespaces of a host
  linux.namespaces.ns_audit:
  register: audit

- name: Fail where something is
  ansible.builtin.assert:
    that: audit.counts.critical + audit.counts.high == 0
    fail_msg: "{{ severe | rejectattr('allowed') | map(attribute='evidence') }}"
  vars:
    severe: "{{ audit.findings | selectattr('severity', 'in', ['critical', 'high']) }}"

- name: Accept what is known
  linux.namespaces.ns_audit:
    allow:
      - id: leak-bind-only
        match: {name: "lab-*", type: net}
        reason: The lab keeps its networks between two runs
        expires: "2027-01-31"
    declared: ["tenant-*"]

- name: Keep what the host is like today, to compare with next month
  linux.namespaces.ns_audit:
    write_baseline: baselines

- name: Find what has changed since
  linux.namespaces.ns_audit:
    baseline: baselines
    rules: [drift]
"""

RETURN = r"""
counts:
  description: How many findings there are. V(critical), V(high), V(medium), V(low) and V(info) are those of this
    severity that are not allowed, V(allowed) are the others. V(expired) and V(unused) count the entries of O(allow)
    that are no longer valid, though something was found for them, and that nothing was found for.
  returned: success
  type: dict
  sample: {critical: 0, high: 1, medium: 0, low: 2, info: 3, allowed: 1, expired: 0, unused: 0}
msg:
  description: How many findings there are of each severity, in short.
  returned: success
  type: str
  sample: 1 high, 2 low, 3 info, 1 allowed
findings:
  description: What was found, the worst first.
  returned: success, unless O(report_dir) is given
  type: list
  elements: dict
  contains:
    id:
      description: The rule.
      type: str
    severity:
      description: How bad it is, V(info), V(low), V(medium), V(high) or V(critical).
      type: str
    title:
      description: What the rule finds.
      type: str
    namespace:
      description: The namespace with its C(type), C(inode), C(id), C(name) and C(path), or null where it is about the
        host, or about a path that leads to no namespace. C(inode) and C(id) are null of one that the baseline has and
        the host no longer.
      type: dict
    subject:
      description: What tells it from what else the same rule found, where that is no namespace of the host, or null. It
        is the path of a handle, the type of namespaces that are nearly used up, the name of a sysctl, the reason why
        something was not looked at, the entry of O(allow), or a namespace that is no longer there.
      type: str
    evidence:
      description: What was seen, in one line.
      type: str
    remediation:
      description: What to do about it.
      type: str
    source:
      description: Where it is known from.
      type: str
    allowed:
      description: The C(reason) and C(expires) of the entry of O(allow) that it is allowed by, or null.
      type: dict
status:
  description: Whether the host was V(scanned) or has V(failed).
  returned: when the module was run
  type: str
complete:
  description: Whether all was looked at, as C(scan.complete) of the facts.
  returned: success
  type: bool
incomplete_because:
  description: Why not.
  returned: success
  type: list
  elements: str
drift:
  description: How many namespaces were C(added), C(removed) and C(changed) since the baseline, and how many could not
    be compared (C(not_compared)). Null without a baseline.
  returned: success
  type: dict
path:
  description: The file with the result.
  returned: when O(report_dir) is given
  type: str
  sample: /srv/audit/hosts/r17.json
"""
