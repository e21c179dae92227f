# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page about the findings, and the filter."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.linux.namespaces.plugins.filter import ns_findings
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit import catalogue, result
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit.policy import Policy
from ansible_collections.linux.namespaces.tests import findings
from ansible_collections.linux.namespaces.tests.controller import auditing
from ansible_collections.linux.namespaces.tests.controller.telling import facts, namespace

judged: t.Callable[..., t.Any] = ns_findings.FilterModule().filters()["ns_findings"]


def test_the_page_says_what_the_rules_are() -> None:
    assert findings.PAGE.read_text() == findings.page(), "make findings"
    assert findings.GROUPS.keys() == catalogue.GROUPS.keys()
    assert findings.MEANINGS.keys() == Policy()._asdict().keys()


def test_the_filter_and_the_audit_find_the_same() -> None:
    left = namespace("net", 7, name="blue", holder_counts={"bind": 1})
    found = judged({"linux_namespaces": facts(left)})
    assert found == [*auditing.judged(facts(left)).findings]
    assert [item["id"] for item in found] == ["leak-bind-only"]
    assert judged(facts(left), declared=["blue"]) == judged(facts(left), skip_rules=["leaks"]) == []
    assert [item["id"] for item in judged(facts(left), baseline=facts(), rules=["drift"])] == ["drift-added"]
    expired = [{"id": "leak-bind-only", "reason": "was known", "expires": "2026-01-01"}]
    assert [item["id"] for item in judged(facts(left), allow=expired)] == ["leak-bind-only", "allow-expired"]
    nested = facts(namespace("user", 8, depth=5))
    assert [item["id"] for item in judged(nested, thresholds={"nesting_depth": 5})] == ["nesting-deep"]


def test_the_filter_judges_what_was_kept() -> None:
    told = facts(namespace("net", 7, name="blue", holder_counts={"bind": 1}))
    versions = {"collection": "0.2.0"}
    kept = result.make("r17", "scanned", collected="now", versions=versions, judgement=auditing.judged(told))
    assert judged(kept) == judged(told) != []
    lost = result.make("r17", "unreachable", collected="now", versions=versions)
    with pytest.raises(AnsibleFilterError, match="the result: r17 was unreachable then, so there is nothing to judge"):
        judged(lost)
    with pytest.raises(AnsibleFilterError, match="the result: host is missing or wrong"):
        judged({**kept, "host": 1})


def test_the_filter_says_what_is_wrong_with_options() -> None:
    with pytest.raises(AnsibleFilterError, match="did you mean leaks"):
        judged(facts(), rules=["leak"])
