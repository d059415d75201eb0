"""Numbers as spreadsheets leave them: what is repaired is always a number, the one that was meant, and its repair is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import phone
from libs.common.sheets.numbers import DIGITS_LOST, NO_NUMBER, NOT_A_NUMBER, Repair, read, why_not

NATIONAL = (
    st.integers(700_000_000, 799_999_999)
    .map(str)
    .filter(lambda n: n[1] != "0" and n[1] != "6")
    .map(lambda n: f"7{n[1:]}0")
)


@pytest.mark.parametrize(
    ("written", "repairs"),
    [
        ("+447700900123", []),
        ("07700900123", []),
        ("07700 900123", ["separators"]),
        ("(07700) 900-123", ["separators"]),
        (" 07700900123\u200b", ["separators"]),
        ("+44 (0)7700 900123", ["separators", "trunk_zero"]),
        ("+4407700900123", ["trunk_zero"]),
        ("00447700900123", ["international_prefix"]),
        ("0044 (0) 7700-900-123", ["separators", "international_prefix", "trunk_zero"]),
        ("7700900123", ["missing_zero"]),
        ("7700 900123", ["separators", "missing_zero"]),
        ("447700900123", ["missing_plus"]),
        ("4407700900123", ["missing_plus", "trunk_zero"]),
        ("O77OO9oo123", ["letter_o"]),
        ("O77OO 900 I23", None),
        ("447700900123.0", ["decimal", "missing_plus"]),
        ("7700900123.00", ["decimal", "missing_zero"]),
        ("4.47700900123E+11", ["exponent", "missing_plus"]),
        ("4.47700900123e11", ["exponent", "missing_plus"]),
        ("7.700900123E+9", ["exponent", "missing_zero"]),
        ("'07700900123", ["apostrophe"]),
        ("\u20187700 900123\u2019", ["apostrophe", "separators", "missing_zero"]),
        ("\uff10\uff17\uff17\uff10\uff10\uff19\uff10\uff10\uff11\uff12\uff13", ["digits"]),
        ("07700 9001", None),
        ("4.477E+11", None),
        ("7.7009E+11", None),
        ("oo", None),
        ("Oooooh no", None),
        ("", None),
    ],
)
def test_what_is_put_right_is_told(written: str, repairs: list[str] | None) -> None:
    found = read(written)
    if repairs is None:
        assert found is None
    else:
        assert found is not None
        assert (found[0], list(found[1])) == ("+447700900123", repairs)


@pytest.mark.parametrize(
    ("written", "number", "repairs"),
    [
        ("+353 87 123 4567", "+353871234567", ["separators"]),
        ("00353871234567", "+353871234567", ["international_prefix"]),
        ("+353871234567", "+353871234567", []),
        ("020 7946 0000", "+442079460000", ["separators"]),
    ],
)
def test_other_numbers_too(written: str, number: str, repairs: list[str]) -> None:
    assert read(written) == (number, tuple(Repair(each) for each in repairs))


@pytest.mark.parametrize(
    ("written", "said"), [("", NO_NUMBER), ("  ", NO_NUMBER), ("nobody", NOT_A_NUMBER), ("4.477E+11", DIGITS_LOST)]
)
def test_what_is_none_is_told_why(written: str, said: str) -> None:
    assert (read(written), why_not(written)) == (None, said)


@st.composite
def writings(draw: st.DrawFn) -> tuple[str, str]:
    """A UK mobile and one way in which people or spreadsheets write it."""
    national = draw(NATIONAL)
    digits = draw(st.sampled_from(["+44", "0044", "44", "0", "", "+440", "00440"])) + national
    kind = draw(st.sampled_from(["plain", "spaced", "decimal", "exponent", "letters", "quoted"]))
    match kind:
        case "spaced":
            gaps = draw(
                st.lists(
                    st.sampled_from(["", "", " ", "-", ".", "\u00a0", "/", "("]),
                    min_size=len(digits),
                    max_size=len(digits),
                )
            )
            digits = "".join(a + b for a, b in zip(digits, gaps, strict=True))
        case "decimal":
            digits = national + ".0"
        case "exponent":
            digits = f"4.4{national}E+11"
        case "letters":
            digits = digits.replace("0", "O")
        case "quoted":
            digits = "'" + digits
    return f"+44{national}", draw(st.sampled_from(["", " "])) + digits


@given(writings())
def test_whatever_is_read_is_the_number_that_was_meant_and_every_repair_is_told(writing: tuple[str, str]) -> None:
    meant, written = writing
    found = read(written)
    assert found is not None, written
    number, repairs = found
    assert number == meant
    assert phone.e164(number) == number
    assert bool(repairs) == (written.strip() not in (meant, f"0{meant[3:]}"))


@given(st.text(max_size=20) | st.text("0123456789+() -.oOeE'7", max_size=20))
def test_a_number_is_valid_or_none_and_nothing_well_written_is_told_as_repaired(written: str) -> None:
    found = read(written)
    if found is None:
        assert why_not(written)
        return
    number, repairs = found
    assert phone.E164.fullmatch(number)
    assert phone.e164(number) == number
    assert repairs or written.strip() in (number, f"0{number.removeprefix('+44')}"), written
