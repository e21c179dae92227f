# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers and texts as a careful person writes them, and nothing else."""

from __future__ import annotations

import decimal
import math
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import values
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import given
from hypothesis import strategies as st

NO_NUMBERS: list[t.Any] = [
    *("", " ", "1 ", " 1", "1\n", "+1", "1_000", "0x10", "0o7", "1e3", "1,5", "one", "nan", "NaN", "inf", "-", "--1"),
    *("\u0661", "\uff11", "\xb2", "1\0", "None", "true", True, False, None, math.nan, math.inf, [], {}),
]


@pytest.mark.parametrize("value", [*NO_NUMBERS, -1, "-1", 1.0, "1.0", 0.5, "12345678901"], ids=ascii)
def test_no_plain_number(value: t.Any) -> None:
    with pytest.raises(NamespaceError) as caught:
        values.plain_number("opt", value)
    assert (
        str(caught.value) == f"cannot use the option opt as given: {str(value)!r} is no number of plain decimal digits"
        "; write digits alone, as 600"
    )


@support.properties
@given(st.integers(0, 10**10 - 1))
def test_every_plain_number(value: int) -> None:
    assert values.plain_number("opt", value) == values.plain_number("opt", str(value)) == value
    assert values.plain_number("opt", f"{value:010d}") == value


@pytest.mark.parametrize("value", [*NO_NUMBERS, ".5", "5.", "1.0000000001", "1.2.3", "9" * 13, 1e-7, 1e300], ids=ascii)
def test_no_seconds(value: t.Any) -> None:
    with pytest.raises(NamespaceError) as caught:
        values.nanoseconds("opt", value)
    assert str(caught.value).startswith(f"cannot use the option opt as given: {str(value)!r} is no decimal number of s")


@support.properties
@given(st.integers(-(10**21) + 1, 10**21 - 1))
def test_every_nanosecond(value: int) -> None:
    """Exactly, which a float could not do."""
    text = f"{decimal.Decimal(value).scaleb(-9, decimal.Context(prec=50)):f}"
    shorter = text.rstrip("0").rstrip(".") if "." in text else text
    assert values.nanoseconds("opt", text) == values.nanoseconds("opt", shorter) == value
    assert values.seconds(value) == shorter


@support.properties
@given(st.text("0123456789_.-+eE xnaif\u0660\n", max_size=12))
def test_what_is_taken_means_the_same_elsewhere(text: str) -> None:
    for parse, scale in ((values.plain_number, 1), (values.nanoseconds, 10**9)):
        try:
            found = parse("opt", text)
        except NamespaceError:
            continue
        assert set(text) <= set("0123456789.-")
        assert found == decimal.Decimal(text) * scale


# ---- text that can't be


UNUSABLE: list[tuple[t.Any, str]] = [
    ({"argv": ["a", "b\0c"]}, "argv as given: it has a NUL"),
    ({"mounts": [{"path": "/"}, {"path": "/\0"}]}, "mounts.path as given: it has a NUL"),
    ({"chdir": "\ud800"}, "chdir as given: it has half of a surrogate pair"),
    ({"stdin": "\udfff"}, "stdin as given: it has half of a surrogate pair"),
    ({"env": {"A\0": "x"}}, "env as given: it has a NUL"),
    ({"env": {"A": "x\0"}}, "env.A as given: it has a NUL"),
]


@pytest.mark.parametrize(("options", "text"), UNUSABLE, ids=ascii)
def test_text_that_the_kernel_would_cut(options: t.Any, text: str) -> None:
    with pytest.raises(NamespaceError) as caught:
        values.refuse_unusable_text({"good": "x", **options}, ("stdin",))
    assert str(caught.value).startswith(f"cannot use the option {text}")


def test_text_that_can_be() -> None:
    values.refuse_unusable_text(
        {"stdin": "a\0b", "argv": ["ä", "\udcff", ""], "pid": 7, "types": None, "env": {"A": "\U0001f600"}}, ("stdin",)
    )


@pytest.mark.parametrize("path", ["", "a", "./a", "~/a", " /a"])
def test_a_path_that_is_not_absolute(path: str) -> None:
    with pytest.raises(NamespaceError, match=r"option chdir as given: '.*' is no absolute path"):
        values.absolute_path("chdir", path)
    assert values.absolute_path("chdir", "/a b") == "/a b"
