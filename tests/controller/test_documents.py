# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What readers copy out of the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.linux.namespaces.tests.controller.plays import ROOT

PAGES = [ROOT / "README.md", *sorted(ROOT.glob("roles/*/README.md"))]
BLOCK = re.compile(r"^( *)```ya?ml\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_is_yaml(page: Path) -> None:
    text = page.read_text()
    blocks = [match[2] for match in BLOCK.finditer(text)]
    assert len(blocks) == len(re.findall(r"```ya?ml$", text, re.MULTILINE))
    for block in blocks:
        try:
            assert yaml.safe_load(block), block
        except yaml.YAMLError as error:
            pytest.fail(f"{error}\n{block}")
