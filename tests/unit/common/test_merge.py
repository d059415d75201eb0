"""Merge fields: what is parsed, what is rendered, and what is refused and where."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import merge
from libs.common.contracts.phonelist import FIELDS
from libs.common.merge import BadTemplate, Hole, Missing, Template, parse
from libs.common.merge_formats import DATE_FORMATS, TEXT_FORMATS, title

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.none() | WORDS | st.sampled_from(["{{first_name}}", "}}", "{{", " ", "SAM", "\u00a0"])
DATES = st.none() | st.dates().map(date.isoformat)


@st.composite
def holes(draw: st.DrawFn) -> Hole:
    field = draw(st.sampled_from(FIELDS))
    format_ = draw(st.sampled_from(["", *(DATE_FORMATS if field in merge.DATES else TEXT_FORMATS)]))
    default = draw(st.none() | WORDS.map(str.strip).filter(lambda d: "{{" not in d and "}}" not in d and d[-1:] != "}"))
    return Hole(field, format_, default)


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """As parsing makes them: words are not empty, and never beside other words."""
    pieces: list[str | Hole] = []
    for hole in draw(st.lists(holes(), max_size=5)):
        if words := draw(WORDS.filter(lambda w: "{{" not in w and "}}" not in w)):
            pieces.append(words)
        pieces.append(hole)
    return Template(tuple(pieces))


@st.composite
def entries(draw: st.DrawFn) -> dict[str, str | None]:
    return {field: draw(DATES if field in merge.DATES else VALUES) for field in FIELDS}


@given(templates())
def test_what_is_written_is_parsed_to_the_same(template: Template) -> None:
    assert parse(str(template)) == template


@given(templates(), entries())
def test_a_rendering_is_the_words_and_the_values_and_nothing_of_the_fields(
    template: Template, values: dict[str, str | None]
) -> None:
    rendered = template.render(values)

    filled = [piece if isinstance(piece, str) else piece.filled(values[piece.field]) for piece in template.pieces]
    if isinstance(rendered, Missing):
        assert None in filled
        assert set(rendered.fields) <= set(template.needed)
    else:
        assert rendered == "".join(part for part in filled if part is not None)
        assert len(rendered) >= len("".join(piece for piece in template.pieces if isinstance(piece, str)))


@given(st.sampled_from([field for field in FIELDS if field not in merge.DATES]), VALUES)
def test_a_value_without_a_format_is_put_in_as_it_is(field: str, value: str | None) -> None:
    rendered = parse(f"<{{{{{field}}}}}>").render({field: value})

    assert rendered == (f"<{value}>" if value and value.strip() else Missing((field,)))


@given(templates(), entries())
def test_nothing_that_is_rendered_is_shorter_than_the_shortest(
    template: Template, values: dict[str, str | None]
) -> None:
    rendered = template.render(values)
    if not isinstance(rendered, Missing):
        assert len(rendered) >= len(template.shortest())


@given(WORDS)
def test_any_words_are_parsed_or_refused_with_a_place_in_them(body: str) -> None:
    at = 1
    try:
        parse(body)
    except BadTemplate as bad:
        at = bad.at
    assert 1 <= at <= max(1, len(body))


@given(st.text())
def test_any_name_can_be_titled(name: str) -> None:
    if name.strip():
        assert title(name).strip()
    assert title(title(name)) == title(name)


@pytest.mark.parametrize("name", ["first_name", "FirstName", "first name", " FIRST-NAME ", "firstname", "Forename"])
def test_a_field_is_known_in_any_writing(name: str) -> None:
    assert parse(f"Hi {{{{{name}}}}}").fields == ("first_name",)


def test_fields_and_needed_are_each_told_once_in_order() -> None:
    template = parse("{{surname}} {{first_name|}} {{surname:upper|}} {{ city }}")

    assert template.fields == ("surname", "first_name", "city")
    assert template.needed == ("surname", "city")
    assert template.render({"city": " "}) == Missing(("surname", "city"))


def test_defaults_stand_in_for_what_is_missing_or_blank() -> None:
    template = parse("Hi {{ first_name : title | dear friend }}{{surname|}}!")

    assert template.render({}) == "Hi dear friend!"
    assert template.render({"first_name": " ", "surname": "\u00a0"}) == "Hi dear friend!"
    assert template.render({"first_name": "SAM", "surname": " Sample"}) == "Hi Sam Sample!"


def test_single_braces_are_words_also_beside_a_field() -> None:
    assert parse("{a} {{{city}}} }{").render({"city": "Bath"}) == "{a} {Bath} }{"


@pytest.mark.parametrize(
    ("body", "says", "at"),
    [
        ("Hi {{first_name", "not closed", 4),
        ("Hi first_name}}", "closes nothing", 14),
        ("Hi {{{{first_name}}}}", "too many", 4),
        ("{{first_name|{{surname}}}}", "within a field", 14),
        ("Hi {{}}", "without a name", 6),
        ("Hi {{fist_name}}", "is first_name meant?", 6),
        ("Hi {{wholly_else}}", "there are phone_number, title", 6),
        ("Hi {{first_name:big}}", "unknown format 'big': there are title", 17),
        ("Hi {{first_name:day}}", "first_name is no date", 17),
        ("Hi {{date_of_birth:upper}}", "date_of_birth is a date: there are date, short, day, weekday", 20),
        ("Hi {{first_name:}}", "unknown format ''", 17),
    ],
)
def test_what_is_wrong_is_told_with_its_place(body: str, says: str, at: int) -> None:
    with pytest.raises(BadTemplate, match=re.escape(says)) as bad:
        parse(body)
    assert bad.value.at == at
    assert str(bad.value).endswith(f"(at character {at})")


@pytest.mark.parametrize(
    ("format_", "written"),
    [
        ("", "1 June 2026"),
        (":date", "1 June 2026"),
        (":short", "01/06/2026"),
        (":day", "1 June"),
        (":Weekday", "Monday"),
    ],
)
def test_dates_are_written_as_in_the_united_kingdom(format_: str, written: str) -> None:
    assert parse(f"{{{{dob{format_}}}}}").render({"date_of_birth": "2026-06-01"}) == written


@pytest.mark.parametrize(
    ("format_", "written"), [("upper", "MARY ANN"), ("lower", "mary ann"), ("first", "mary"), ("title", "Mary Ann")]
)
def test_words_are_formatted(format_: str, written: str) -> None:
    assert (
        parse(f"{{{{first_name:{format_}}}}}").render({"first_name": "mary ANN" if format_ != "first" else " mary ann"})
        == written
    )


@pytest.mark.parametrize(
    ("given_", "written"),
    [
        ("mcdonald", "McDonald"),
        ("MCDONALD", "McDonald"),
        ("McDonald", "McDonald"),
        ("MacDonald", "MacDonald"),
        ("o'brien", "O'Brien"),
        ("O\u2019BRIEN", "O\u2019Brien"),
        ("O'brien", "O'Brien"),
        ("smith-jones", "Smith-Jones"),
        ("d'arcy-mcgee", "D'Arcy-McGee"),
        ("st john's", "St John's"),
        ("LUDWIG VAN BEETHOVEN", "Ludwig van Beethoven"),
        ("van gogh", "Van Gogh"),
        ("henry viii", "Henry VIII"),
        ("j.r. hartley", "J.R. Hartley"),
        ("\u00e9milie", "\u00c9milie"),
        ("ZOE\u0301", "Zo\u00e9"),
        ("flat 4B", "Flat 4B"),
        ("mary  ann ", "Mary  Ann "),
    ],
)
def test_names_are_written_sensibly(given_: str, written: str) -> None:
    assert title(given_) == written
