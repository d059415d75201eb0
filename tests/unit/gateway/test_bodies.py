"""Bodies in JSON, XML and form encoding: the same values from each, and a clear refusal of what is broken."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import orjson
import pytest

from services.gateway.documented import models
from services.gateway.documented.operations import OPERATIONS
from services.gateway.documented.shapes import BareString, Model
from services.gateway.formats.bodies import parse, read_body
from services.gateway.formats.values import BadRequest

FORM = "application/x-www-form-urlencoded"
LINK = models.LINK_CAMPAIGN_AND_PHONELIST_REQUEST
SEND = models.SEND_INSTANT_MESSAGE_REQUEST
IMPORT = models.MULTIPLE_PHONE_LIST_ENTRY
SMS = "http://schemas.datacontract.org/2004/07/SMSConnector"
BY_NAME = {operation.name: operation for operation in OPERATIONS}


def _json(body: str | bytes, model: Model) -> dict[str, object]:
    return parse("application/json", body.encode() if isinstance(body, str) else body, model)


def _xml(body: str | bytes, model: Model) -> dict[str, object]:
    return parse("application/xml", body.encode() if isinstance(body, str) else body, model)


# What is read


def test_names_are_read_in_whatever_case_and_values_by_their_type() -> None:
    expected = {"SessionToken": "t", "CampaignID": 4, "ListID": 5}

    assert expected == _json('{"sessiontoken":"t","CAMPAIGNID":"4","ListId":5,"Other":[{}]}', LINK)
    assert expected == _xml("<L><LISTID> 5 </LISTID><CampaignID>4</CampaignID><sessionToken>t</sessionToken></L>", LINK)
    assert expected == parse(FORM, b"LISTID=5&CampaignID=4&sessionToken=t&Other=1", LINK)


def test_the_likely_other_name_of_a_placeholder_is_read_too() -> None:
    assert {"ListID": 5} == _json('{"PhonelistID":5}', LINK) == _json('{"PhoneListID":5}', LINK)
    assert _json('{"Name":"Friends"}', models.CREATE_LIST_REQUEST) == {"Title": "Friends"}


@pytest.mark.parametrize("prefix", ["", "a:"])
@pytest.mark.parametrize("namespace", [SMS, "http://schemas.datacontract.org/2004/07/WebAPI82830", "urn:x"])
def test_xml_is_read_under_any_prefix_and_namespace(prefix: str, namespace: str) -> None:
    declared = f'xmlns{":" + prefix[:-1] if prefix else ""}="{namespace}"'

    body = f"<{prefix}LogonRequest {declared}><{prefix}Username>u</{prefix}Username></{prefix}LogonRequest>"

    assert _xml(body, models.LOGON_REQUEST) == {"Username": "u"}


def test_nil_and_null_are_none_and_what_is_empty_is_only_a_string() -> None:
    nil = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
    expected = {"Title": None, "Text": "", "Folder": None, "LaunchAt": None}

    assert expected == _json('{"Title":null,"Text":"","Folder":null,"LaunchAt":""}', models.CREATE_CAMPAIGN_REQUEST)
    xml = f'<C {nil}><Title i:nil="true"/><Text></Text><Folder i:nil="1"/><LaunchAt/></C>'
    assert expected == _xml(xml, models.CREATE_CAMPAIGN_REQUEST)


def test_entries_are_the_same_in_json_xml_and_both_kinds_of_form() -> None:
    expected = {"ListID": 4, "ListEntries": [{"PhoneNumber": "07700900123", "User1": "x&y"}, {"PhoneNumber": "2"}]}
    by_json = '{"ListID":4,"ListEntries":[{"PhoneNumber":"07700900123","User1":"x&y"},{"PhoneNumber":"2"}]}'
    entries = "<e><User1>x&amp;y</User1><Odd><User1>z</User1></Odd><PhoneNumber>07700900123</PhoneNumber></e>"
    by_xml = f"<M><ListEntries>{entries}<e>\n<PhoneNumber>2</PhoneNumber></e></ListEntries><ListID>4</ListID></M>"
    dotted = b"ListID=4&ListEntries[1].PhoneNumber=2&listentries[0].phonenumber=07700900123&ListEntries[0].User1=x%26y"
    bracketed = (
        b"ListID=4&ListEntries[0][PhoneNumber]=07700900123&ListEntries[0][User1]=x%26y&ListEntries[9][phoneNumber]=2"
    )

    assert expected == _json(by_json, IMPORT) == _xml(by_xml, IMPORT)
    assert expected == parse(FORM, dotted, IMPORT) == parse(FORM, bracketed, IMPORT)


def test_one_entry_may_be_flat_or_nested() -> None:
    single = models.SINGLE_PHONE_LIST_ENTRY
    expected = {"ListID": 4, "ListEntry": {"PhoneNumber": "2", "Title": "Ms"}}

    assert expected == _json('{"ListID":4,"ListEntry":{"PhoneNumber":"2","Title":"Ms"}}', single)
    assert expected == _json('{"ListID":4,"phonenumber":"2","Title":"Ms"}', single)
    assert expected == _xml("<S><ListID>4</ListID><PhoneNumber>2</PhoneNumber><Title>Ms</Title></S>", single)
    assert expected == parse(FORM, b"ListID=4&ListEntry.PhoneNumber=2&Title=Ms", single)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'"tok en"'),
        ("text/xml", b'<string xmlns="http://schemas.microsoft.com/2003/10/Serialization/">tok en</string>'),
        (FORM, b"=tok+en"),
        (FORM, b"reusabletoken=tok%20en"),
    ],
)
def test_a_bare_string_is_read_in_every_format(content_type: str, body: bytes) -> None:
    assert parse(content_type, body, models.REUSABLE_TOKEN) == {"ReusableToken": "tok en"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2025-10-24T15:19:51.154043+01:00", "2025-10-24T15:19:51.154043+01:00"),
        ("2025-05-20T13:27:03.7203179+01:00", "2025-05-20T13:27:03.720317+01:00"),
        ("2025-10-24T15:19:51Z", "2025-10-24T15:19:51+00:00"),
        ("2025-10-24T15:19:51+0530", "2025-10-24T15:19:51+05:30"),
        ("2025-07-01T09:00:00", "2025-07-01T09:00:00+01:00"),
        ("2025-12-01 09:00", "2025-12-01T09:00:00+00:00"),
        ("2025-07-01", "2025-07-01T00:00:00+01:00"),
        ("1970-01-01", "1970-01-01T00:00:00+01:00"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.9999999", "9999-12-31T23:59:59.999999+00:00"),
        ("/Date(1761315591154)/", "2025-10-24T15:19:51.154000+01:00"),
        ("/Date(1761315591154+0100)/", "2025-10-24T15:19:51.154000+01:00"),
        ("/Date(-1)/", "1970-01-01T00:59:59.999000+01:00"),
    ],
)
def test_a_date_is_read_in_every_form_that_dotnet_clients_send(written: str, expected: str) -> None:
    value = _json(orjson.dumps({"LaunchAt": written}), models.CREATE_CAMPAIGN_REQUEST)["LaunchAt"]

    assert isinstance(value, datetime)
    assert expected == value.isoformat()
    assert value == value.astimezone(UTC)  # an instant that a service can turn into UTC


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_a_charset_is_believed(charset: str) -> None:
    text = "Grüße für £5"

    json = f'{{"Message":"{text}"}}'.encode(charset)
    xml = f"<S><Message>{text}</Message></S>".encode(charset)

    assert {"Message": text} == parse(f"application/json; charset={charset}", json, SEND)
    assert {"Message": text} == parse(f'application/xml; charset="{charset.upper()}"', xml, SEND)


def test_xml_may_declare_utf_16_and_anything_may_begin_with_a_byte_order_mark() -> None:
    xml = '<?xml version="1.0" encoding="utf-16"?><S><Message>na\u00efve \U0001f600</Message></S>'

    assert _xml(xml.encode("utf-16"), SEND) == {"Message": "na\u00efve \U0001f600"}
    assert _xml("\ufeff<S><Message>x</Message></S>", SEND) == {"Message": "x"}
    assert _json('\ufeff{"Message":"x"}', SEND) == {"Message": "x"}


def test_a_body_without_a_content_type_is_tried_as_json_and_an_empty_one_is_empty() -> None:
    assert parse("", b'{"Message":"x"}', SEND) == {"Message": "x"}
    assert {} == parse("text/plain", b"", SEND) == _json("null", SEND) == _xml(" ", SEND)


def test_an_unlink_without_a_body_is_read_from_its_query() -> None:
    unlink = BY_NAME["UnlinkCampaignAndPhonelist"]

    assert read_body(unlink, "", b"", b"campaignid=1&phonelistid=2") == {"CampaignID": 1, "ListID": 2}
    assert read_body(unlink, "", b'{"CampaignID":3}', b"campaignid=1") == {"CampaignID": 3}
    assert read_body(BY_NAME["LinkCampaignAndPhonelist"], "", b"", b"campaignid=1") == {}


# What is refused


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"Message":1.5}', "Message: a string is expected."),
        ('{"Message":true}', "Message: a string is expected."),
        ('{"Message":["x"]}', "Message: a string is expected."),
        ('{"Message":"a\\u0000b"}', "Message: holds a null character."),
        ('{"Message":"a","message":"b"}', "Message: given twice."),
        ('{"Message":null,"MESSAGE":"b"}', "Message: given twice."),
        ('["Message"]', "The body: an object is expected."),
        ('"Message"', "The body: an object is expected."),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_and_named(body: str, detail: str) -> None:
    assert detail == _refused("application/json", body.encode(), SEND).detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"ListID":"four"}', "ListID: an integer is expected."),
        ('{"ListID":"4_0"}', "ListID: an integer is expected."),
        ('{"ListID":"\u0664"}', "ListID: an integer is expected."),
        ('{"ListID":true}', "ListID: an integer is expected."),
        ('{"ListID":4.0}', "ListID: an integer is expected."),
        ('{"ListID":2147483648}', "ListID: an integer of 32 bits is expected."),
        ('{"ListEntries":{}}', "ListEntries: a list is expected."),
        ('{"ListEntries":[{},{"DateOfBirth":"1/2/80"}]}', "ListEntries[1].DateOfBirth: a date such as"),
        ('{"ListEntries":[{"DateOfBirth":"1980-02-30"}]}', "ListEntries[0].DateOfBirth: a date such as"),
        ('{"ListEntries":[{"DateOfBirth":"0001-01-01T00:00+01:00"}]}', "ListEntries[0].DateOfBirth: a date such as"),
        ('{"ListEntries":[{"DateOfBirth":"/Date(999999999999999)/"}]}', "ListEntries[0].DateOfBirth: a date such as"),
        ('{"ListEntries":[{"DateOfBirth":5}]}', "ListEntries[0].DateOfBirth: a date is expected."),
        ('{"ListEntries":[{},{},"x"]}', "ListEntries[2]: an object is expected."),
        ('{"ListEntries":[{},null]}', "ListEntries[1]: an item cannot be null."),
        ('{"ListEntries":[{"User1":"a","user1":"b"}]}', "ListEntries[0].User1: given twice."),
    ],
)
def test_a_bad_entry_is_named_by_its_place(body: str, detail: str) -> None:
    assert _refused("application/json", body.encode(), IMPORT).detail.startswith(detail)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("<M><ListID>x</ListID></M>", "ListID: an integer is expected."),
        ("<M><ListID>1</ListID><listid>2</listid></M>", "ListID: given twice."),
        ("<M><ListID>1</ListID><ListID>2</ListID></M>", "ListID: given twice."),
        ("<M><ListEntries/><ListEntries/></M>", "ListEntries: given twice."),
        ("<M><ListID><b>1</b></ListID></M>", "ListID: text is expected, not an element."),
        (
            "<M><ListEntries><e><Title>a<ListID/></Title></e></ListEntries></M>",
            "ListEntries[0].Title: text is expected",
        ),
        (
            "<M><ListEntries><e/><e><DateOfBirth>x</DateOfBirth></e></ListEntries></M>",
            "ListEntries[1].DateOfBirth: a date",
        ),
        (
            '<M xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><ListEntries><e/><e i:nil="true"/></ListEntries></M>',
            "ListEntries[1]: an item cannot be null.",
        ),
        ("<M>", "no element found: line 1, column 3."),
        ("<M></N>", "mismatched tag: line 1, column 5."),
        ("<M>&nope;</M>", "undefined entity: line 1, column 3."),
        ("<M><ListID>&#x1;</ListID></M>", "reference to invalid character number: line 1, column 11."),
        ("{}", "not well-formed (invalid token): line 1, column 0."),
        ("<M>\0</M>", "not well-formed (invalid token): line 1, column 3."),
        ('<?xml version="1.0" encoding="idna"?><M/>', "Its encoding is unknown."),
        ('<?xml version="1.0" encoding="zip"?><M/>', "Its encoding is unknown."),
        ('<?xml version="1.0" encoding="shift_jis"?><M/>', "Its encoding is unknown."),
        ("<a>" * 33, "Elements are nested deeper than 32."),
        ("<M><x>" + "<ListEntries>" * 40, "Elements are nested deeper than 32."),
    ],
)
def test_broken_xml_is_refused_and_says_where(body: str, detail: str) -> None:
    assert _refused("application/xml", body.encode(), IMPORT).detail.startswith(detail)


LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE M [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE M [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE M SYSTEM "http://127.0.0.1:1/x.dtd">',
        "<!DOCTYPE M>",
    ],
    ids=["billion laughs", "file", "remote", "empty"],
)
def test_no_document_type_is_accepted_and_no_entity_expanded(doctype: str) -> None:
    body = f"{doctype}<M><SessionToken>&l9;&f;</SessionToken></M>".encode()

    assert _refused("text/xml", body, IMPORT).detail == "A document type declaration is not accepted."


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"ListID=x", "ListID: an integer is expected."),
        (b"ListID=1&listid=2", "listid: given twice."),
        (b"ListID=1&ListID=2", "ListID: given twice."),
        (b"ListEntries=x", "ListEntries: a list is expected."),
        (b"ListEntries[]=x", "ListEntries: a list is expected."),
        (b"ListEntries[a].User1=x", "ListEntries: a list is expected."),
        (b"ListEntries[0]=x&ListEntries[0].User1=y", "ListEntries[0].User1: given twice."),
        (b"ListID=%ff", "The form is not UTF-8"),
        (b"\xff", "The body is not utf-8."),
        (b"&".join([b"a=1"] * 20_001), "The form is not UTF-8, or has more than 20000 fields."),
        (b"ListEntries[0].User1=a%00b", "ListEntries[0].User1: holds a null character."),
    ],
)
def test_a_broken_form_is_refused(body: bytes, detail: str) -> None:
    assert _refused(FORM, body, IMPORT).detail.startswith(detail)


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"a":1}x', b"{'a':1}", b'{"a":"\xff"}', b'{"a":"\\ud800"}', b'{"a":"\0"}', b"NaN"],
)
def test_broken_json_is_refused(body: bytes) -> None:
    assert _refused("application/json", body, SEND).message == "The body is not well-formed JSON."


@pytest.mark.parametrize(
    "body",
    [
        b'{"Message":"a","Message":"b"}',
        b'{"Message":"a","M\\u0065ssage":"a"}',
        b'{"Message":"a","x":[{"y":1,"y":1}]}',
        b'[{"a":1},{"a":1, "a":2}]',
    ],
)
def test_json_that_gives_a_name_twice_is_refused(body: bytes) -> None:
    assert _refused("application/json", body, SEND).detail == "An object gives the same name twice."


@pytest.mark.parametrize("body", [b"=a&=b", b"=a&ReusableToken=a", b"reusabletoken=a&REUSABLETOKEN=a"])
def test_a_form_that_gives_the_one_string_twice_is_refused(body: bytes) -> None:
    assert _refused(FORM, body, models.REUSABLE_TOKEN).detail == "The body: given twice."


@pytest.mark.parametrize("depth", [1_000, 2_000, 500_000])
@pytest.mark.parametrize(
    ("content_type", "opening", "closing"),
    [
        *(("application/json", b"[", b"]"), ("application/json", b'{"a":', b"1}"), ("text/xml", b"<a>", b"</a>")),
        *((FORM, b"a[b]", b""), (FORM, b"a.", b""), (FORM, b"Message[a]", b"")),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_deep_nesting_is_refused_at_once(
    content_type: str, opening: bytes, closing: bytes, depth: int, whole: bool
) -> None:
    began = time.monotonic()

    assert _refused(content_type, opening * depth + (b"1" + closing * depth if whole else b""), SEND).status == 400

    assert time.monotonic() - began < 1


@pytest.mark.parametrize("content_type", ["text/plain", "application/json; charset=punycode", "multipart/form-data"])
def test_an_unknown_content_type_or_charset_is_415(content_type: str) -> None:
    assert _refused(content_type, b"{}", SEND).status == 415


def test_no_refusal_repeats_what_was_sent() -> None:
    refusals = [
        _refused("application/json", b'{"ListID":"s3cret"}', IMPORT),
        _refused("application/json", b'{"SessionToken":"s3cret', IMPORT),
        _refused("text/xml", b"<M><ListID>s3cret</ListID></M>", IMPORT),
        _refused("text/xml", b"<M><SessionToken>s3cret</M>", IMPORT),
        _refused(FORM, b"ListID=s3cret", IMPORT),
    ]

    assert not any("s3cret" in f"{each.message} {each.detail}" for each in refusals)


def _refused(content_type: str, body: bytes, shape: Model | BareString) -> BadRequest:
    with pytest.raises(BadRequest) as refused:
        parse(content_type, body, shape)
    return refused.value
