#!/usr/bin/python
# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ns_report
short_description: Report what was found on all hosts
description:
  - Reads the results that M(linux.namespaces.ns_audit) has left in O(report_dir), and writes there a report for people
    (C(index.html), with a page for each host) and the same for programs, C(report.json), C(junit.xml) and
    C(report.sarif).
  - It runs on the controller, once for all hosts of the play, contacts none of them, and is never changed.
  - Says on the terminal how many hosts there are, and the gravest findings, of one rule on one host three at most.
  - The pages work from the folder, without a server or a network. They belong together; what is copied is the whole
    directory, with or without C(hosts), where the results are.
  - The results are read one after the other, and no more than one of them is in memory.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
extends_documentation_fragment:
  - linux.namespaces._attributes
attributes:
  action:
    description: Has an action plugin of the same name, which does its work on the controller.
    support: full
  bypass_host_loop:
    description: Runs once for all hosts.
    support: full
  check_mode:
    support: full
    details: The same as without. The report is written, as M(linux.namespaces.ns_audit) writes results, since neither
      changes anything on a host.
  diff_mode:
    support: none
  idempotent:
    support: N/A
    details: A report is always written anew, as it says when that was.
options:
  report_dir:
    description:
      - The directory on the controller, that of M(linux.namespaces.ns_audit). What is relative is below the working
        directory.
      - It has to belong to the user who runs Ansible, and nobody else may write to it; a symbolic link is refused. One
        that has files of these names that no report has left is refused too.
      - What a former report left there is replaced as a whole, at the end. The results stay as they are.
    type: path
    required: true
  hosts:
    description: The hosts that should be in the report, normally V({{ ansible_play_hosts_all }}). Results of others are
      left alone, and counted.
    type: list
    elements: str
    required: true
  fail_on:
    description: Fail where a finding of this severity or above is not allowed. The report is written anyway.
    type: str
    choices: [never, info, low, medium, high, critical]
    default: never
  unreachable:
    description: Whether to V(fail) where a host was unreachable or failed, or has no result that counts, or only to
      V(report) it.
    type: str
    choices: [fail, report]
    default: fail
  max_age:
    description: How many seconds old a result may be. Of a host whose result is older nothing is known.
    type: int
    default: 86400
  this_run:
    description:
      - Count only results of this very run of Ansible, however young others are. A host that did not get as far as
        M(linux.namespaces.ns_audit), because it was unreachable or failed before, is not scanned then, whatever an
        earlier run has found there.
      - Leave it off where M(linux.namespaces.ns_audit) runs elsewhere, for example in another job of AWX.
    type: bool
    default: false
notes:
  - It refuses to run where a fact of the host that it runs for, the first of the play, is called as a variable of the
    role P(linux.namespaces.audit#role), V(audit_*), because Ansible takes facts for variables.
  - What hosts say of themselves is never markup, and neither on the terminal nor in the files are there control
    characters; they are shown as C(\x1b).
  - A result that is torn, of another schema, of another host, of more than 128 MiB, no plain file, or that others could
    have written to, is not used. The host counts as failed, with the reason.
  - Whether an entry of an allow-list is unused is said once for all hosts, and is no finding here.
  - In C(junit.xml) each host is a suite. What is allowed or of the severity V(info) is skipped there, all else is a
    failure, and a host that nothing is known of is an error.
seealso:
  - module: linux.namespaces.ns_audit
"""

EXAMPLES = r"""
- name: Write the report, and fail for what is grave
  linux.namespaces.ns_report:
    report_dir: audit
    hosts: "{{ ansible_play_hosts_all }}"
    fail_on: high

- name: Write it of hosts that are sometimes off
  linux.namespaces.ns_report:
    report_dir: audit
    hosts: "{{ ansible_play_hosts_all }}"
    unreachable: report
    max_age: 604800
"""

RETURN = r"""
counts:
  description: How many findings there are of each severity that are not allowed, and how many are C(allowed). Of the
    entries of all allow-lists, each of which counts once, how many have C(expired) though a host has what they allowed,
    and how many are C(unused), since no host needs them.
  returned: always
  type: dict
  sample: {critical: 0, high: 3, medium: 41, low: 0, info: 200, allowed: 12, expired: 1, unused: 2}
hosts:
  description: How many hosts were C(scanned) completely, are C(incomplete), were C(unreachable), have C(failed), or
    were C(not_scanned). Each counts once.
  returned: always
  type: dict
  sample: {scanned: 1987, incomplete: 9, unreachable: 4, failed: 0, not_scanned: 0}
lines:
  description: What is said on the terminal.
  returned: always
  type: list
  elements: str
  sample:
    - "2000 hosts: 1987 scanned, 9 incomplete, 4 unreachable"
    - 3 high, 41 medium, 12 allowed (1 expired, 2 unused)    audit/index.html
    - "HIGH      r17  net blue2: physical eth3 inside; lost when the namespace ends (physical-inside)"
    - "no host needs of the allow-list: leak-bind-only name=lab-* (the lab keeps its networks), and 1 more"
    - "no finding makes this fail (fail_on: never)"
files:
  description: The files to begin with.
  returned: always
  type: list
  elements: str
"""
