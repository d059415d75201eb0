"""The documented text messaging API from end to end, in XML: written and read the way a .NET program does it.

Needs Python 3.11 and nothing else. Written from the service's help pages alone, and as strict as .NET's DataContractSerializer: members
in alphabetical order, each in its namespace, roots by their full names. Ends with 1 and a reason at the first answer that is otherwise.

    SMS_USERNAME=demo SMS_PASSWORD=demo-password python3 client_xml.py --address http://127.0.0.1:8080 --to "07700 900123"
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen
from xml.etree import ElementTree

Fields = dict[str, Any]
Seen = TypeVar("Seen")

MODELS = "http://schemas.datacontract.org/2004/07/SMSConnector"
LOGON_MODELS = "http://schemas.datacontract.org/2004/07/WebAPI82830"  # LogonRequest alone
STRINGS = "http://schemas.microsoft.com/2003/10/Serialization/"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


class Collection(NamedTuple):
    namespace: str
    name: str
    shape: Any


def boolean(text: str) -> bool:
    return {"true": True, "false": False}[text]


def nullable(text: str) -> int:
    return int(text)


LOGON = dict.fromkeys(["Status", "Firstname", "Surname", "PhoneNumber", "Company", "Token"], str)
USER = dict.fromkeys(["Username", "Firstname", "Surname", "PhoneNumber", "Company"], str)
FOLDER = {"ID": int, "Name": str, "ParentID": nullable}
FOLDER_BASIC = {"ID": int, "Name": str}
PHONE_LIST = {"ID": int, "Title": str, "Folder": int, "Count": int}
MESSAGE = {"FromNumber": str, "ToNumber": str, "Date": datetime.fromisoformat, "Message": str, "Sent": boolean}
TEXT_IN = {"TextInID": int, "PhoneNumber": str, "Date": datetime.fromisoformat, "Message": str}
CONTACT = {"PhoneNumber": str, "Date": datetime.fromisoformat, "Message": str}
CUSTOMER = {
    "Title": "Ms",
    "FirstName": "Zoë",
    "Surname": "O'Brien & Sons",
    "Address1": "Flat 2",
    "Address2": "<The> Old Mill",
    "Address3": "Mill Lane",
    "City": "Bath",
    "County": "Somerset",
    "Postcode": "BA1 1AA",
    "Gender": "F",
    "DateOfBirth": datetime(1985, 12, 31),  # noqa: DTZ001 - a birthday has no time zone
    "Reference": "C-0042",
    "Email": "zoe@example.com",
    "User1": "gold",
    "User2": " two  spaces ",
    "User3": "since 2019",
}
ENTRY = {"PhoneNumber": str, **{name: datetime.fromisoformat if name == "DateOfBirth" else str for name in CUSTOMER}}
OTHERS = ["07700 900201", "+447700900202", "+44 (0)7700 900203"]  # numbers kept for drama: nobody has them


def models(name: str, shape: Fields) -> Collection:
    return Collection(MODELS, name, shape)


# The root of each answer, and what its Result holds.
STRINGS_FOUND = ("APIReturnOfRequestStatusArrayOfstringPM3b74Y2", Collection(ARRAYS, "string", str))
STRING_FOUND = ("APIReturnOfRequestStatusstringArk7AG5L", str)
MESSAGES_FOUND = ("APIReturnOfRequestStatusArrayOfMessageInformationuO2q6ph3", models("MessageInformation", MESSAGE))
FOLDERS_FOUND = ("APIReturnOfRequestStatusArrayOfFolderuO2q6ph3", models("Folder", FOLDER))
BASIC_FOUND = ("APIReturnOfRequestStatusArrayOfFolderBasicuO2q6ph3", models("FolderBasic", FOLDER_BASIC))
USER_FOUND = ("APIReturnOfRequestStatusUserInformationuO2q6ph3", USER)
LISTS_FOUND = ("APIReturnOfRequestStatusArrayOfPhoneListuO2q6ph3", models("PhoneList", PHONE_LIST))
LIST_FOUND = ("APIReturnOfRequestStatusPhoneListuO2q6ph3", PHONE_LIST)
ENTRY_FOUND = ("APIReturnOfRequestStatusPhoneListEntryuO2q6ph3", ENTRY)
TEXT_INS_FOUND = ("APIReturnOfRequestStatusArrayOfTextInInformationuO2q6ph3", models("TextInInformation", TEXT_IN))
CONTACTS_FOUND = ("APIReturnOfRequestStatusArrayOfContactuO2q6ph3", models("Contact", CONTACT))
TEXT_SENT = ("APIReturnOfSendMessageStatusstringArk7AG5L", str)
LIST_MADE = ("APIReturnOfPhoneListStatusintArk7AG5L", int)
LIST_CHANGED = ("APIReturnOfPhoneListStatusstringArk7AG5L", str)
CAMPAIGN_MADE = ("APIReturnOfCampaignStatusintArk7AG5L", int)
CAMPAIGN_CHANGED = ("APIReturnOfCampaignStatusstringArk7AG5L", str)
REUSABLE_MADE = ("StatusStringOfReusableTokenResultBK6DH5fG", str)


class Surprise(Exception):
    """An answer that the help pages do not lead one to expect."""


def operation(path: str) -> str:
    """The name of the operation in a path, without the token that may follow it."""
    group, _, rest = path.partition("?")[0].partition("/")
    return rest.partition("/")[0] if rest and group != "Test" else group


def expect(as_documented: bool, where: str, found: object) -> None:
    if not as_documented:
        raise Surprise(f"{operation(where)}: did not expect {found!r}")


def say(line: str) -> None:
    print(line, flush=True)


# --- XML, as DataContractSerializer has it ---


def written(name: str, value: Any, namespace: str = MODELS) -> bytes:
    root = ElementTree.Element(f"{{{namespace}}}{name}")
    fill(root, value, namespace)
    content: bytes = ElementTree.tostring(root, encoding="utf-8", default_namespace=namespace)
    return content


def fill(element: ElementTree.Element, value: Any, namespace: str) -> None:
    if isinstance(value, dict):
        for name in sorted(value):
            fill(ElementTree.SubElement(element, f"{{{namespace}}}{name}"), value[name], namespace)
    elif isinstance(value, list):  # of list entries: the one collection that is ever sent
        for each in value:
            fill(ElementTree.SubElement(element, f"{{{namespace}}}NewPhoneListEntry"), each, namespace)
    else:
        element.text = value.isoformat() if isinstance(value, datetime) else str(value)


def read(element: ElementTree.Element, shape: Any, where: str) -> Any:
    if element.get(NIL) == "true":
        expect(shape not in (int, boolean), where, f"nothing in {element.tag}")
        return None
    if isinstance(shape, Collection):
        for child in element:
            expect(child.tag == f"{{{shape.namespace}}}{shape.name}", where, child.tag)
        return [read(child, shape.shape, where) for child in element]
    if isinstance(shape, dict):
        members = [f"{{{MODELS}}}{name}" for name in sorted(shape)]
        expect([child.tag for child in element] == members, where, [child.tag for child in element])
        return {name: read(child, shape[name], where) for name, child in zip(sorted(shape), element, strict=True)}
    expect(len(element) == 0, where, f"elements in {element.tag}")
    try:
        return shape("".join(element.itertext()))
    except (KeyError, ValueError) as unread:
        raise Surprise(f"{operation(where)}: did not expect {element.text!r} in {element.tag}") from unread


class Service:
    """The service at one address. What it answers is checked here against the root and the members that a page or its rule names."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def ask(
        self, method: str, path: str, body: bytes | None, root: str, namespace: str = MODELS
    ) -> ElementTree.Element:
        headers = {"Accept": "application/xml"} | ({} if body is None else {"Content-Type": "application/xml"})
        request = Request(f"{self.address}/api/{path}", body, headers, method=method)
        try:
            with urlopen(request, timeout=30) as answer:
                kind, content = answer.headers.get_content_type(), answer.read()
        except HTTPError as refused:
            raise Surprise(f"{method} {operation(path)}: HTTP {refused.code} {refused.read(500)!r}") from refused
        except OSError as unreached:
            raise Surprise(f"{self.address} does not answer: {unreached}") from unreached
        expect(kind == "application/xml" and b"<!DOCTYPE" not in content, path, (kind, content[:200]))
        try:
            element = ElementTree.fromstring(content)
        except ElementTree.ParseError as unread:
            raise Surprise(f"{method} {operation(path)}: this is no XML: {unread}") from unread
        expect(element.tag == f"{{{namespace}}}{root}", path, element.tag)
        return element

    def status_and_result(
        self, method: str, path: str, kind: tuple[str, Any], body: bytes | None = None
    ) -> tuple[str, Any]:
        root, shape = kind
        members = {"StatusEnum": str, "Result": shape} | ({"Status": str} if root.startswith("StatusString") else {})
        answer = read(self.ask(method, path, body, root), members, path)
        expect(answer.get("Status", answer["StatusEnum"]) == answer["StatusEnum"], path, answer)
        return answer["StatusEnum"], answer["Result"]

    def result(self, method: str, path: str, kind: tuple[str, Any], body: bytes | None = None) -> Any:
        status, result = self.status_and_result(method, path, kind, body)
        expect(status == "Success", path, status)
        return result

    def logon(self, path: str, body: bytes) -> Fields:
        answer: Fields = read(self.ask("POST", path, body, "LogonResult"), LOGON, path)
        return answer


# --- logging in ---


def log_in(service: Service, username: str, password: str) -> str:
    answer = service.logon(
        "Security/Login", written("LogonRequest", {"Username": username, "Password": password}, LOGON_MODELS)
    )
    expect(answer["Status"] == "Success" and bool(answer["Token"]), "Security/Login", answer["Status"])
    token = str(answer["Token"])
    user = service.result("GET", f"Users/GetCurrentUserInfo/{token}", USER_FOUND)
    expect(
        user["Username"].lower() == username.lower() and user["Company"] == answer["Company"],
        "Users/GetCurrentUserInfo",
        user,
    )
    say(f"logged in as {answer['Firstname']} {answer['Surname']} of {answer['Company']}")
    return token


def log_in_with_reusable_token(service: Service, token: str) -> str:
    reusable = service.result("GET", f"Security/RequestReusableToken/{token}", REUSABLE_MADE)
    body = written("string", reusable, STRINGS)
    verified = service.logon("Security/VerifyReusableToken", body)
    expect(verified["Status"] == "Success", "Security/VerifyReusableToken", verified["Status"])
    second = service.logon("Security/LoginWithReusableToken", body)
    expect(
        second["Status"] == "Success" and second["Token"] not in (None, "", token),
        "Security/LoginWithReusableToken",
        second,
    )
    say("logged in a second time, with a reusable token and no password")
    return str(second["Token"])


def log_out(service: Service, method: str, token: str) -> None:
    service.result(method, f"Security/Logout/{token}", STRING_FOUND)
    status, _ = service.status_and_result("GET", f"Company/GetHeaders/{token}", STRINGS_FOUND)
    expect(status != "Success", "Company/GetHeaders", "a session that has ended still works")
    say(f"logged out by {method}; the token is answered {status}")


# --- phone lists ---


def make_list(service: Service, token: str, folder: int, number: str) -> int:
    title = f"Customers {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
    body = written("CreateListRequest", {"SessionToken": token, "Title": title, "Folder": folder})
    made = int(service.result("POST", "Phonelists/CreateList", LIST_MADE, body))
    single = {"SessionToken": token, "ListID": made, "ListEntry": {"PhoneNumber": number, **CUSTOMER}}
    service.result("POST", "Phonelists/AddSingleEntry", LIST_CHANGED, written("SinglePhoneListEntry", single))
    entries = [{"PhoneNumber": other, "FirstName": f"Customer {n}"} for n, other in enumerate(OTHERS)]
    several = {"SessionToken": token, "ListID": made, "ListEntries": entries}
    service.result("POST", "Phonelists/AddMultipleEntries", LIST_CHANGED, written("MultiplePhoneListEntry", several))
    say(f"made the list {title!r}, number {made}, with {1 + len(OTHERS)} customers")
    return made


def read_list(service: Service, token: str, folder: int, made: int, number: str) -> None:
    for path in (f"{token}/{folder}", f"{token}?{urlencode({'Folder': folder})}"):
        lists = service.result("GET", f"Phonelists/GetLists/{path}", LISTS_FOUND)
        expect(made in [each["ID"] for each in lists], "Phonelists/GetLists", lists)
    service.result("GET", f"Phonelists/GetLists/{token}", LISTS_FOUND)

    one = service.result("GET", f"Phonelists/GetList/{token}/{made}", LIST_FOUND)
    numbers = service.result("GET", f"Phonelists/GetNumbers/{token}/{made}", STRINGS_FOUND)
    expect(one["Folder"] == folder and one["Count"] == len(numbers), "Phonelists/GetList", one)
    expect({*map(last_digits, numbers)} == {*map(last_digits, [number, *OTHERS])}, "Phonelists/GetNumbers", numbers)

    entry = service.result("GET", f"Phonelists/GetNumberDetail/{token}/{made}/{quote(number, safe='')}", ENTRY_FOUND)
    expect(last_digits(entry.pop("PhoneNumber")) == last_digits(number), "Phonelists/GetNumberDetail", entry)
    entry["DateOfBirth"] = entry["DateOfBirth"].replace(tzinfo=None)
    expect(entry == CUSTOMER, "Phonelists/GetNumberDetail", entry)

    for before, after in pairwise(numbers):
        following = service.result(
            "GET", f"Phonelists/GetNextNumber/{token}/{made}/{quote(before, safe='')}", STRING_FOUND
        )
        preceding = service.result(
            "GET", f"Phonelists/GetPreviousNumber/{token}/{made}/{quote(after, safe='')}", STRING_FOUND
        )
        expect((preceding, following) == (before, after), "Phonelists/GetNextNumber", (preceding, following))
    say(f"read it back: {', '.join(numbers)}; all 17 fields of the first are as they were given")


# --- campaigns ---


def launch_campaign(service: Service, token: str, draft: Fields, made: int) -> None:
    campaign = service.result(
        "POST", "Campaigns/CreateCampaign", CAMPAIGN_MADE, written("CreateCampaignRequest", draft)
    )
    link = written("LinkCampaignAndPhonelistRequest", {"SessionToken": token, "CampaignID": campaign, "ListID": made})
    service.result("POST", "Campaigns/LinkCampaignAndPhonelist", CAMPAIGN_CHANGED, link)
    service.result("DELETE", "Campaigns/UnlinkCampaignAndPhonelist", CAMPAIGN_CHANGED, link)
    service.result("POST", "Campaigns/LinkCampaignAndPhonelist", CAMPAIGN_CHANGED, link)
    launch = written("CampaignRequest", {"SessionToken": token, "CampaignID": campaign})
    service.result("POST", "Campaigns/LaunchCampaign", CAMPAIGN_CHANGED, launch)
    say(f"launched campaign {campaign} to the list")


def stop_campaign(service: Service, token: str, draft: Fields, made: int) -> None:
    later = {**draft, "Title": f"{draft['Title']}, later", "Text": "This is never sent"}
    later["LaunchAt"] = datetime.now(UTC) + timedelta(days=1)
    campaign = service.result(
        "POST", "Campaigns/CreateCampaign", CAMPAIGN_MADE, written("CreateCampaignRequest", later)
    )
    link = {"SessionToken": token, "CampaignID": campaign, "ListID": made}
    service.result(
        "POST", "Campaigns/LinkCampaignAndPhonelist", CAMPAIGN_CHANGED, written("LinkCampaignAndPhonelistRequest", link)
    )
    named = written("CampaignRequest", {"SessionToken": token, "CampaignID": campaign})
    service.result("POST", "Campaigns/LaunchCampaign", CAMPAIGN_CHANGED, named)
    service.result("POST", "Campaigns/StopCampaign", CAMPAIGN_CHANGED, named)
    say(f"stopped campaign {campaign}, which was to begin tomorrow")


# --- single texts ---


def send(service: Service, token: str, header: str, number: str, text: str) -> str:
    """Sends one text. Answers the status: the recipient may have texted STOP."""
    body = {"SessionToken": token, "FromNumber": header, "ToNumber": number, "Message": text}
    request = written("SendInstantMessageRequest", body)
    status, result = service.status_and_result("POST", "Messages/SendInstantMessage", TEXT_SENT, request)
    expect(status != "Success" or result == "", "Messages/SendInstantMessage", result)
    return status


def send_one(service: Service, token: str, header: str, number: str, patience_s: int) -> None:
    text = f"Your parcel comes today. Zoë \N{PARTY POPPER} €5 <3 & ({datetime.now(UTC):%H:%M:%S.%f})"
    status = send(service, token, header, number, text)
    expect(status == "Success", "Messages/SendInstantMessage", status)

    def sent() -> Fields | None:
        return having(conversation(service, token, number), Message=text, Sent=True)

    wait_for(sent, patience_s, "the text in the conversation")
    say(f"sent a text to {number}; it is in the conversation")


def send_code(service: Service, token: str, header: str, number: str) -> None:
    body = {"SessionToken": token, "FromNumber": header, "ToNumber": number}
    body |= {"Message": "Your code is {code}", "GenerationRule": "", "Token": "{code}"}
    code = service.result("POST", "Messages/SendTwoFactorToken", TEXT_SENT, written("TwoFactorTokenRequest", body))
    expect(bool(code), "Messages/SendTwoFactorToken", code)
    say(f"sent a two-factor code of {len(code)} characters, and was told it")


def conversation(service: Service, token: str, number: str) -> list[Fields]:
    path = f"Messages/GetConversation/{token}/{quote(number, safe='')}"
    return list(service.result("GET", path, MESSAGES_FOUND))


def inbound_since(service: Service, token: str, began: datetime) -> list[Fields]:
    """What came in since the walk began. The shortest span is asked for first: what it has, the longer ones have."""
    since = urlencode({"DateFrom": began.isoformat()})
    lately, yesterday, everything = (
        service.result("GET", f"Messages/{path}", MESSAGES_FOUND)
        for path in (
            f"GetInboundMessagesFromDate/{token}?{since}",
            f"GetInboundMessages/{token}",
            f"GetAllInboundMessages/{token}",
        )
    )
    for text in lately:
        expect(text in yesterday and text in everything and not text["Sent"], "Messages/GetInboundMessages", text)
        expect(text["Date"] >= began, "Messages/GetInboundMessagesFromDate", text)
    return list(lately)


# --- what a person texts in ---


def wait_for_reply(service: Service, token: str, header: str, number: str, began: datetime, wait_s: int) -> None:
    def reply() -> Fields | None:
        came = inbound_since(service, token, began)
        return having(
            [text for text in came if last_digits(text["FromNumber"]) == last_digits(number)], ToNumber=header
        )

    say(f"waiting: text Yes from {number} to {header}")
    text = wait_for(reply, wait_s, "a reply")
    words = {name: text[name] for name in ("FromNumber", "ToNumber", "Message", "Sent")}
    wait_for(lambda: having(conversation(service, token, number), **words), wait_s, "the reply in the conversation")
    say(f"a reply from {text['FromNumber']}: {text['Message']!r}")


def wait_for_stop_and_start(
    service: Service, token: str, header: str, number: str, began: datetime, wait_s: int
) -> None:
    for word, kind in (("STOP", "Stops"), ("START", "Reinstates")):

        def told(kind: str = kind) -> str | None:
            came = numbers_since(service, token, kind, began)
            return next((one for one in came if last_digits(one) == last_digits(number)), None)

        say(f"waiting: text {word} from {number} to {header}")
        who = wait_for(told, wait_s, f"{word} from {number}")
        status = send(service, token, header, number, f"After {word}")
        expect((status == "Success") == (word == "START"), "Messages/SendInstantMessage", f"{status} after {word}")
        say(f"{who} texted {word}: a text to it is answered {status}")


def numbers_since(service: Service, token: str, kind: str, began: datetime) -> list[str]:
    """The numbers that texted STOP (`Stops`) or START (`Reinstates`) since the walk began."""
    since = urlencode({"DateFrom": began.isoformat()})
    lately, yesterday, everyone = (
        service.result("GET", f"Status/{path}", STRINGS_FOUND)
        for path in (f"Get{kind}FromDate/{token}?{since}", f"Get{kind}/{token}", f"GetAll{kind}/{token}")
    )
    expect(set(lately) <= set(yesterday) <= set(everyone), f"Status/Get{kind}", (lately, yesterday, everyone))
    return list(lately)


def read_text_ins(service: Service, token: str) -> None:
    week_ago, now = datetime.now(UTC) - timedelta(days=6), datetime.now(UTC) + timedelta(minutes=1)
    since = urlencode({"DateFrom": week_ago.isoformat()})
    between = urlencode({"DateFrom": week_ago.isoformat(), "DateTo": now.isoformat()})
    for path in (f"GetAllTextIns/{token}", f"GetTextIns/{token}", f"GetTextInsFromDate/{token}?{since}"):
        text_ins = service.result("GET", f"TextIn/{path}", TEXT_INS_FOUND)
    for id_ in sorted({each["TextInID"] for each in text_ins}):
        contacts = service.result("GET", f"TextIn/GetContacts/{token}/{id_}?{between}", CONTACTS_FOUND)
        say(f"text-in {id_}: {len(contacts)} texts within the week")
    say(f"{len(text_ins)} texts came to text-ins")


# --- the walk ---


def having(texts: list[Fields], **fields: Any) -> Fields | None:
    return next((text for text in texts if fields.items() <= text.items()), None)


def wait_for(look: Callable[[], Seen | None], limit_s: int, what: str) -> Seen:
    until = time.monotonic() + limit_s
    while (seen := look()) is None:
        if time.monotonic() > until:
            raise Surprise(f"{what} did not come within {limit_s} s")
        time.sleep(0.5)
    return seen


def last_digits(number: str) -> str:
    """The same for every way of writing one number."""
    return "".join(filter(str.isdigit, number))[-10:]


def walk(service: Service, options: argparse.Namespace) -> None:
    began = datetime.now(UTC)
    token = log_in(service, options.username, options.password)
    expect(bool(service.ask("GET", f"Test/{token}", None, "string", STRINGS).text), "Test", "no text")
    header = service.result("GET", f"Company/GetHeaders/{token}", STRINGS_FOUND)[0]
    brand = service.result("GET", f"Company/GetBrands/{token}", STRINGS_FOUND)[0]
    folder = service.result("GET", f"Users/GetFolders/{token}", FOLDERS_FOUND)[0]
    basic = service.result("GET", f"Users/GetFoldersBasic/{token}", BASIC_FOUND)
    expect({"ID": folder["ID"], "Name": folder["Name"]} in basic, "Users/GetFoldersBasic", basic)
    say(f"the company sends from {header}, as {brand}; the folder is {folder['Name']!r}")

    made = make_list(service, token, folder["ID"], options.to)
    read_list(service, token, folder["ID"], made, options.to)
    draft = {
        "SessionToken": token,
        "Title": f"Summer {began:%Y-%m-%d %H:%M:%S.%f}",
        "Folder": folder["ID"],
        "Brand": brand,
        "FromNumber": header,
    }
    draft |= {"Text": "Our summer sale begins. Will you come?", "LaunchAt": began, "Lease": 8}
    launch_campaign(service, token, draft, made)
    if options.wait_for_reply:
        wait_for_reply(service, token, header, options.to, began, options.wait_for_reply)
    stop_campaign(service, token, draft, made)
    send_one(service, token, header, options.to, options.patience)
    if options.wait_for_reply:
        wait_for_stop_and_start(service, token, header, options.to, began, options.wait_for_reply)
    say(
        f"{len(inbound_since(service, token, began))} texts came in, {len(numbers_since(service, token, 'Stops', began))} STOP"
    )
    send_code(service, token, header, options.to)
    read_text_ins(service, token)
    since = urlencode({"DateFrom": f"{began - timedelta(days=30):%Y-%m-%d}"})
    fails = service.result("GET", f"status/getrecentfails/{token}?{since}", STRINGS_FOUND)
    say(f"{len(fails)} numbers failed three times in the last 30 days' campaigns")
    second = log_in_with_reusable_token(service, token)
    log_out(service, "GET", token)
    log_out(service, "DELETE", second)


def main() -> int:
    parser = argparse.ArgumentParser(description="Walks through the documented text messaging API in XML.")
    parser.add_argument("--address", default=os.environ.get("SMS_ADDRESS", "http://127.0.0.1:8080"))
    parser.add_argument("--username", default=os.environ.get("SMS_USERNAME"))
    parser.add_argument(
        "--password", default=os.environ.get("SMS_PASSWORD"), help="better in the environment: SMS_PASSWORD"
    )
    parser.add_argument("--to", required=True, help="a number you may text: a phone of yours")
    parser.add_argument("--patience", type=int, default=30, help="seconds that a text may take to arrive")
    parser.add_argument(
        "--wait-for-reply", type=int, default=0, help="seconds to wait for a person to text back; 0: don't"
    )
    options = parser.parse_args()
    if not (options.username and options.password):
        parser.error("a username and a password are needed, as arguments or as SMS_USERNAME and SMS_PASSWORD")
    try:
        walk(Service(options.address), options)
    except Surprise as surprise:
        print(f"stopped: {surprise}", file=sys.stderr)
        return 1
    say("everything is as documented")
    return 0


if __name__ == "__main__":
    sys.exit(main())
