# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Which machine it is, by an id that says nothing about it elsewhere."""

from __future__ import annotations

import hmac
import re

APPLICATION = bytes.fromhex("9781109b4e084938b01503bc83924265")


def id_from(text: str) -> str | None:
    """What the content of /etc/machine-id is for this application alone; None where it has no id.

    Source: machine-id(5), sd_id128_get_machine_app_specific(3).
    """
    found = re.fullmatch(r"([0-9a-f]{32})\n?", text)
    key = bytes.fromhex(found[1]) if found else b""
    if not any(key):
        return None
    digest = bytearray(hmac.new(key, APPLICATION, "sha256").digest()[:16])
    # A UUID of version 4, as RFC 9562 has it.
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()
