"""Whatever can be written can be read back, and whatever bytes come in, nothing but a BadRequest comes out."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.documented import models
from services.gateway.documented.shapes import Field, ListOf, Model, Scalar
from services.gateway.formats.answers import write
from services.gateway.formats.bodies import parse
from services.gateway.formats.negotiation import FORMATS, Format
from services.gateway.formats.values import BadRequest, date_text

# Between them they hold every scalar, a list, an inner object, a flat one, and both namespaces.
MODELS = (
    *(models.LOGON_REQUEST, models.CREATE_CAMPAIGN_REQUEST, models.MESSAGE_INFORMATION),
    *(models.SINGLE_PHONE_LIST_ENTRY, models.MULTIPLE_PHONE_LIST_ENTRY),
)
XML_FORBIDS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

FIRST, LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 hypothesis wants them without
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
SCALARS: dict[Scalar, st.SearchStrategy[object]] = {
    Scalar.STRING: st.text().map(lambda text: XML_FORBIDS.sub("", text)),
    Scalar.INTEGER: st.integers(-(2**31), 2**31 - 1),
    Scalar.BOOLEAN: st.booleans(),
    Scalar.DATE: st.datetimes(FIRST, LAST, timezones=OFFSETS),
}


def _values(model: Model) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({field.name: st.none() | _value(field) for field in model.fields})


def _value(field: Field) -> st.SearchStrategy[object]:
    match field.type:
        case Model():
            return _values(field.type)
        case ListOf(item=Model() as item):
            return st.lists(_values(item), max_size=3)
        case Scalar():
            return SCALARS[field.type]
    raise AssertionError(field.name)


@pytest.mark.parametrize("model", [pytest.param(model, id=model.name) for model in MODELS])
@pytest.mark.parametrize("format", [Format.JSON, Format.XML])
@given(data=st.data())
def test_what_is_written_is_read_back(format: Format, model: Model, data: st.DataObject) -> None:
    values = data.draw(_values(model))

    assert values == parse(f"application/{format}", write(format, model, values), model)


@given(data=st.data())
def test_a_form_says_what_json_says(data: st.DataObject) -> None:
    model = models.CREATE_CAMPAIGN_REQUEST
    values = {name: value for name, value in data.draw(_values(model)).items() if value is not None}

    form = urlencode(
        {name: date_text(value) if isinstance(value, datetime) else value for name, value in values.items()}
    )

    assert values == parse("application/x-www-form-urlencoded", form.encode(), model)


@given(
    body=st.binary(), content_type=st.sampled_from(["", *FORMATS]), charset=st.sampled_from(["", "utf-16", "us-ascii"])
)
def test_no_bytes_raise_anything_but_a_bad_request(body: bytes, content_type: str, charset: str) -> None:
    with suppress(BadRequest):
        parse(f"{content_type}; charset={charset}", body, models.MULTIPLE_PHONE_LIST_ENTRY)


PIECES = [
    "<M>",
    "</M>",
    "<ListEntries>",
    "</ListEntries>",
    "<e>",
    "</e>",
    "<Title>",
    "</Title>",
    "<ListID>",
    "</ListID>",
]
PIECES += [
    "x",
    "4",
    "&amp;",
    "&#0;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?p?>",
    "<!DOCTYPE M>",
    " ",
    "<a:b>",
    "</a:b>",
]


@given(body=st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_jumble_of_elements_raises_anything_but_a_bad_request(body: str) -> None:
    with suppress(BadRequest):
        parse("text/xml", body.encode(), models.MULTIPLE_PHONE_LIST_ENTRY)
