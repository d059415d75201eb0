"""The documented text messaging API from end to end, in JSON: one walk through everything a company does with it.

Needs Python 3.11 and nothing else. Written from the service's help pages alone; which service answers is a matter of the address.
Tells each step in a line. Ends with 1 and a reason at the first answer that the help pages do not lead one to expect.

    SMS_USERNAME=demo SMS_PASSWORD=demo-password python3 client_json.py --address http://127.0.0.1:8080 --to "07700 900123"
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

Fields = dict[str, Any]
Seen = TypeVar("Seen")

# The fields of each model. A string may be null, as in .NET; a number or a boolean only where the documentation says so.
LOGON = dict.fromkeys(["Status", "Firstname", "Surname", "PhoneNumber", "Company", "Token"], str)
USER = dict.fromkeys(["Username", "Firstname", "Surname", "PhoneNumber", "Company"], str)
FOLDER = {"ID": int, "Name": str, "ParentID": int | None}
FOLDER_BASIC = {"ID": int, "Name": str}
PHONE_LIST = {"ID": int, "Title": str, "Folder": int, "Count": int}
MESSAGE = {"FromNumber": str, "ToNumber": str, "Date": str, "Message": str, "Sent": bool}
TEXT_IN = {"TextInID": int, "PhoneNumber": str, "Date": str, "Message": str}
CONTACT = {"PhoneNumber": str, "Date": str, "Message": str}

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
    "DateOfBirth": "1985-12-31T00:00:00",
    "Reference": "C-0042",
    "Email": "zoe@example.com",
    "User1": "gold",
    "User2": "",
    "User3": "since 2019",
}
OTHERS = ["07700 900201", "+447700900202", "+44 (0)7700 900203"]  # numbers kept for drama: nobody has them


class Surprise(Exception):
    """An answer that the help pages do not lead one to expect."""


class Service:
    """The service at one address. What it answers is checked for shape here, once for every operation."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request. Answers what the JSON says, or None where there is no content."""
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = Request(
            f"{self.address}/api/{path}", None if body is None else json.dumps(body).encode(), headers, method=method
        )
        try:
            with urlopen(request, timeout=30) as answer:
                return json.loads(content) if (content := answer.read()) else None
        except HTTPError as refused:
            raise Surprise(f"{method} {operation(path)}: HTTP {refused.code} {refused.read(500)!r}") from refused
        except OSError as unreached:
            raise Surprise(f"{self.address} does not answer: {unreached}") from unreached
        except ValueError as unread:
            raise Surprise(f"{method} {operation(path)}: this is no JSON") from unread

    def status_and_result(self, method: str, path: str, body: Fields | None = None) -> tuple[str, Any]:
        """The status and the result of an operation that answers in the usual envelope."""
        answer = self.ask(method, path, body)
        expect(isinstance(answer, dict) and list(answer) == ["StatusEnum", "Status", "Result"], path, answer)
        expect((answer["StatusEnum"] == 0) == (answer["Status"] == "Success"), path, answer)
        return answer["Status"], answer["Result"]

    def result(self, method: str, path: str, body: Fields | None = None) -> Any:
        """The result of an operation that should succeed."""
        status, result = self.status_and_result(method, path, body)
        expect(status == "Success", path, status)
        return result


def operation(path: str) -> str:
    """The name of the operation in a path, without the token that may follow it."""
    group, _, rest = path.partition("?")[0].partition("/")
    return rest.partition("/")[0] if rest and group != "Test" else group


def expect(as_documented: bool, where: str, found: object) -> None:
    if not as_documented:
        raise Surprise(f"{operation(where)}: did not expect {found!r}")


def expect_fields(found: Any, fields: Fields, where: str) -> None:
    """An object with exactly these fields, of these types."""
    expect(isinstance(found, dict) and set(found) == set(fields), where, found)
    for name, kind in fields.items():
        expect(isinstance(found[name], kind) or (kind is str and found[name] is None), where, {name: found[name]})


def expect_all(found: Any, fields: Fields, where: str) -> list[Fields]:
    expect(isinstance(found, list), where, found)
    for each in found:
        expect_fields(each, fields, where)
    return list(found)


def say(line: str) -> None:
    print(line, flush=True)


# --- logging in ---


def log_in(service: Service, username: str, password: str) -> str:
    answer = service.ask("POST", "Security/Login", {"Username": username, "Password": password})
    token = token_of(answer)
    user = service.result("GET", f"Users/GetCurrentUserInfo/{token}")
    expect_fields(user, USER, "Users/GetCurrentUserInfo")
    expect(user["Username"].lower() == username.lower(), "Users/GetCurrentUserInfo", user)
    say(f"logged in as {answer['Firstname']} {answer['Surname']} of {answer['Company']}")
    return token


def token_of(answer: Any) -> str:
    expect_fields(answer, LOGON, "Security/Login")
    expect(answer["Status"] == "Success" and bool(answer["Token"]), "Security/Login", answer["Status"])
    return str(answer["Token"])


def log_in_with_reusable_token(service: Service, token: str) -> str:
    reusable = service.result("GET", f"Security/RequestReusableToken/{token}")
    verified = service.ask("POST", "Security/VerifyReusableToken", reusable)
    expect_fields(verified, LOGON, "Security/VerifyReusableToken")
    expect(verified["Status"] == "Success", "Security/VerifyReusableToken", verified["Status"])
    second = token_of(service.ask("POST", "Security/LoginWithReusableToken", reusable))
    expect(second != token, "Security/LoginWithReusableToken", "the session there was before")
    say("logged in a second time, with a reusable token and no password")
    return second


def log_out(service: Service, method: str, token: str) -> None:
    service.result(method, f"Security/Logout/{token}")
    status, _ = service.status_and_result("GET", f"Company/GetHeaders/{token}")
    expect(status != "Success", "Company/GetHeaders", "a session that has ended still works")
    say(f"logged out by {method}; the token is answered {status}")


# --- phone lists ---


def make_list(service: Service, token: str, folder: int, number: str) -> int:
    title = f"Customers {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
    made = service.result("POST", "Phonelists/CreateList", {"SessionToken": token, "Title": title, "Folder": folder})
    expect(type(made) is int, "Phonelists/CreateList", made)
    customer = {"PhoneNumber": number, **CUSTOMER}
    service.result("POST", "Phonelists/AddSingleEntry", {"SessionToken": token, "ListID": made, "ListEntry": customer})
    entries = [{"PhoneNumber": other, "FirstName": f"Customer {n}"} for n, other in enumerate(OTHERS)]
    service.result(
        "POST", "Phonelists/AddMultipleEntries", {"SessionToken": token, "ListID": made, "ListEntries": entries}
    )
    say(f"made the list {title!r}, number {made}, with {1 + len(OTHERS)} customers")
    return int(made)


def read_list(service: Service, token: str, folder: int, made: int, number: str) -> None:
    for path in (f"GetLists/{token}/{folder}", f"GetLists/{token}?{urlencode({'Folder': folder})}"):
        lists = expect_all(service.result("GET", f"Phonelists/{path}"), PHONE_LIST, "Phonelists/GetLists")
        expect(made in [each["ID"] for each in lists], "Phonelists/GetLists", lists)
    expect_all(service.result("GET", f"Phonelists/GetLists/{token}"), PHONE_LIST, "Phonelists/GetLists")

    one = service.result("GET", f"Phonelists/GetList/{token}/{made}")
    expect_fields(one, PHONE_LIST, "Phonelists/GetList")
    expect(one["Folder"] == folder, "Phonelists/GetList", one)
    numbers = service.result("GET", f"Phonelists/GetNumbers/{token}/{made}")
    expect(one["Count"] == len(numbers) == 1 + len(OTHERS), "Phonelists/GetNumbers", numbers)
    expect(
        sorted(map(last_digits, numbers)) == sorted(map(last_digits, [number, *OTHERS])),
        "Phonelists/GetNumbers",
        numbers,
    )

    entry = service.result("GET", f"Phonelists/GetNumberDetail/{token}/{made}/{quote(number, safe='')}")
    expect_fields(entry, dict.fromkeys(["PhoneNumber", *CUSTOMER], str), "Phonelists/GetNumberDetail")
    expect(last_digits(entry.pop("PhoneNumber")) == last_digits(number), "Phonelists/GetNumberDetail", entry)
    born = datetime.fromisoformat(entry["DateOfBirth"]).date()
    expect(entry | {"DateOfBirth": f"{born}T00:00:00"} == CUSTOMER, "Phonelists/GetNumberDetail", entry)

    for before, after in pairwise(numbers):
        following = service.result("GET", f"Phonelists/GetNextNumber/{token}/{made}/{quote(before, safe='')}")
        preceding = service.result("GET", f"Phonelists/GetPreviousNumber/{token}/{made}/{quote(after, safe='')}")
        expect((preceding, following) == (before, after), "Phonelists/GetNextNumber", (preceding, following))
    say(f"read it back: {', '.join(numbers)}; all 17 fields of the first are as they were given")


# --- campaigns ---


def launch_campaign(service: Service, token: str, draft: Fields, made: int) -> None:
    campaign = service.result("POST", "Campaigns/CreateCampaign", draft)
    expect(type(campaign) is int, "Campaigns/CreateCampaign", campaign)
    link = {"SessionToken": token, "CampaignID": campaign, "ListID": made}
    service.result("POST", "Campaigns/LinkCampaignAndPhonelist", link)
    service.result("DELETE", "Campaigns/UnlinkCampaignAndPhonelist", link)
    service.result("POST", "Campaigns/LinkCampaignAndPhonelist", link)
    service.result("POST", "Campaigns/LaunchCampaign", {"SessionToken": token, "CampaignID": campaign})
    say(f"launched campaign {campaign} to the list")


def stop_campaign(service: Service, token: str, draft: Fields, made: int) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    later = {**draft, "Title": f"{draft['Title']}, later", "Text": "This is never sent", "LaunchAt": tomorrow}
    campaign = service.result("POST", "Campaigns/CreateCampaign", later)
    named = {"SessionToken": token, "CampaignID": campaign}
    service.result("POST", "Campaigns/LinkCampaignAndPhonelist", {**named, "ListID": made})
    service.result("POST", "Campaigns/LaunchCampaign", named)
    service.result("POST", "Campaigns/StopCampaign", named)
    say(f"stopped campaign {campaign}, which was to begin tomorrow")


# --- single texts ---


def send(service: Service, token: str, header: str, number: str, text: str) -> str:
    """Sends one text. Answers the status: the recipient may have texted STOP."""
    status, result = service.status_and_result(
        "POST",
        "Messages/SendInstantMessage",
        {"SessionToken": token, "FromNumber": header, "ToNumber": number, "Message": text},
    )
    expect(status != "Success" or result == "", "Messages/SendInstantMessage", result)
    return status


def send_one(service: Service, token: str, header: str, number: str, patience_s: int) -> None:
    text = f"Your parcel comes today. Zoë \N{PARTY POPPER} €5 <3 & ({datetime.now(UTC):%H:%M:%S.%f})"
    expect(send(service, token, header, number, text) == "Success", "Messages/SendInstantMessage", "a refusal")

    def sent() -> Fields | None:
        return having(conversation(service, token, number), Message=text, Sent=True)

    wait_for(sent, patience_s, "the text in the conversation")
    say(f"sent a text to {number}; it is in the conversation")


def send_code(service: Service, token: str, header: str, number: str) -> None:
    code = service.result(
        "POST",
        "Messages/SendTwoFactorToken",
        {
            "SessionToken": token,
            "FromNumber": header,
            "ToNumber": number,
            "Message": "Your code is {code}",
            "GenerationRule": "",
            "Token": "{code}",
        },
    )
    expect(isinstance(code, str) and bool(code), "Messages/SendTwoFactorToken", code)
    say(f"sent a two-factor code of {len(code)} characters, and was told it")


def conversation(service: Service, token: str, number: str) -> list[Fields]:
    path = f"Messages/GetConversation/{token}/{quote(number, safe='')}"
    return expect_all(service.result("GET", path), MESSAGE, path)


def read_inbound(service: Service, token: str, began: datetime) -> list[Fields]:
    """What came in since the walk began. The shortest span is asked for first: what it has, the longer ones have."""
    since = urlencode({"DateFrom": began.isoformat()})
    lately, yesterday, everything = (
        expect_all(service.result("GET", f"Messages/{path}"), MESSAGE, f"Messages/{path}")
        for path in (
            f"GetInboundMessagesFromDate/{token}?{since}",
            f"GetInboundMessages/{token}",
            f"GetAllInboundMessages/{token}",
        )
    )
    for text in lately:
        expect(text in yesterday and text in everything and text["Sent"] is False, "Messages/GetInboundMessages", text)
        expect(datetime.fromisoformat(text["Date"]) >= began, "Messages/GetInboundMessagesFromDate", text)
    return lately


# --- what a person texts in ---


def wait_for_reply(service: Service, token: str, header: str, number: str, began: datetime, wait_s: int) -> None:
    def reply() -> Fields | None:
        came = [
            text
            for text in read_inbound(service, token, began)
            if last_digits(text["FromNumber"]) == last_digits(number)
        ]
        return having(came, ToNumber=header)

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
            return next(
                (one for one in numbers_since(service, token, kind, began) if last_digits(one) == last_digits(number)),
                None,
            )

        say(f"waiting: text {word} from {number} to {header}")
        who = wait_for(told, wait_s, f"{word} from {number}")
        status = send(service, token, header, number, f"After {word}")
        expect((status == "Success") == (word == "START"), "Messages/SendInstantMessage", f"{status} after {word}")
        say(f"{who} texted {word}: a text to it is answered {status}")


def numbers_since(service: Service, token: str, kind: str, began: datetime) -> list[str]:
    """The numbers that texted STOP (`Stops`) or START (`Reinstates`) since the walk began."""
    since = urlencode({"DateFrom": began.isoformat()})
    lately, yesterday, everyone = (
        service.result("GET", f"Status/{path}")
        for path in (f"Get{kind}FromDate/{token}?{since}", f"Get{kind}/{token}", f"GetAll{kind}/{token}")
    )
    expect(set(lately) <= set(yesterday) <= set(everyone), f"Status/Get{kind}", (lately, yesterday, everyone))
    return [str(number) for number in lately]


def read_text_ins(service: Service, token: str) -> None:
    week_ago, now = datetime.now(UTC) - timedelta(days=6), datetime.now(UTC) + timedelta(minutes=1)
    since = urlencode({"DateFrom": week_ago.isoformat()})
    for path in (f"GetAllTextIns/{token}", f"GetTextIns/{token}", f"GetTextInsFromDate/{token}?{since}"):
        text_ins = expect_all(service.result("GET", f"TextIn/{path}"), TEXT_IN, f"TextIn/{path}")
    between = urlencode({"DateFrom": week_ago.isoformat(), "DateTo": now.isoformat()})
    for id_ in sorted({each["TextInID"] for each in text_ins}):
        path = f"TextIn/GetContacts/{token}/{id_}?{between}"
        contacts = expect_all(service.result("GET", path), CONTACT, path)
        expect(
            {each["PhoneNumber"] for each in text_ins if each["TextInID"] == id_}
            <= {each["PhoneNumber"] for each in contacts},
            path,
            contacts,
        )
        say(f"text-in {id_}: {len(contacts)} texts within the week")
    say(f"{len(text_ins)} texts came to text-ins")


def read_fails(service: Service, token: str) -> None:
    since = urlencode({"DateFrom": f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}"})
    fails = service.result("GET", f"status/getrecentfails/{token}?{since}")
    expect(isinstance(fails, list), "status/getrecentfails", fails)
    say(f"{len(fails)} numbers failed three times in the last 30 days' campaigns")


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
    expect(service.ask("GET", "Foo?Bar=anything") is None, "Foo", "content")
    token = log_in(service, options.username, options.password)
    expect(isinstance(service.ask("GET", f"Test/{token}"), str), "Test", "no string")
    header = service.result("GET", f"Company/GetHeaders/{token}")[0]
    brand = service.result("GET", f"Company/GetBrands/{token}")[0]
    folder = expect_all(service.result("GET", f"Users/GetFolders/{token}"), FOLDER, "Users/GetFolders")[0]
    basic = expect_all(service.result("GET", f"Users/GetFoldersBasic/{token}"), FOLDER_BASIC, "Users/GetFoldersBasic")
    expect(folder["ID"] in [each["ID"] for each in basic], "Users/GetFoldersBasic", basic)
    say(f"the company sends from {header}, as {brand}; the folder is {folder['Name']!r}")

    made = make_list(service, token, folder["ID"], options.to)
    read_list(service, token, folder["ID"], made, options.to)
    draft = {
        "SessionToken": token,
        "Title": f"Summer {began:%Y-%m-%d %H:%M:%S.%f}",
        "Text": "Our summer sale begins. Will you come?",
        "Folder": folder["ID"],
        "Brand": brand,
        "FromNumber": header,
        "LaunchAt": datetime.now(UTC).isoformat(),
        "Lease": 8,
    }
    launch_campaign(service, token, draft, made)
    if options.wait_for_reply:
        wait_for_reply(service, token, header, options.to, began, options.wait_for_reply)
    stop_campaign(service, token, draft, made)
    send_one(service, token, header, options.to, options.patience)
    if options.wait_for_reply:
        wait_for_stop_and_start(service, token, header, options.to, began, options.wait_for_reply)
    say(
        f"{len(read_inbound(service, token, began))} texts came in, {len(numbers_since(service, token, 'Stops', began))} STOP"
    )
    send_code(service, token, header, options.to)
    read_text_ins(service, token)
    read_fails(service, token)
    second = log_in_with_reusable_token(service, token)
    log_out(service, "GET", token)
    log_out(service, "DELETE", second)


def main() -> int:
    parser = argparse.ArgumentParser(description="Walks through the documented text messaging API in JSON.")
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
