# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role takes what its module takes."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml
from ansible_collections.linux.namespaces.plugins.modules import ns_boot

ROLE = Path(__file__).parents[2] / "roles/boot"


def without_texts(options: t.Any) -> t.Any:
    """As a role describes them, without the descriptions."""
    if isinstance(options, dict):
        named = {"options" if name == "suboptions" else name: value for name, value in options.items()}
        return {
            name: without_texts(value)
            for name, value in named.items()
            if name != "description" or not isinstance(value, (str, list))
        }
    return options


def test_the_options_of_the_module() -> None:
    documented = yaml.safe_load(ns_boot.DOCUMENTATION)["options"]["sets"]
    specified = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())
    (name, sets), *others = specified["argument_specs"]["main"]["options"].items()
    assert (name, others) == ("boot_sets", [])
    assert without_texts(sets["options"]) == without_texts(documented["suboptions"])
    assert sets["required"] is True
    assert not (ROLE / "defaults").exists()
