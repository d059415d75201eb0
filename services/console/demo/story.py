"""heliograph demo: the main job, told line by line, on the running platform. Exits 1 where it does not keep a promise.

Owns the order of the story and what each step must come to. Uses only what clients have: HTTP, the handsets, a subscriber's queue, the command line.
"""

from __future__ import annotations

import random
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import typer

from services.console.demo.outside import Subscriber, heliograph, subscriber
from services.console.demo.people import ROWS, SEED, Spreadsheet, spreadsheet
from services.console.demo.world import DemoSettings, Gateway, Handsets, promise, wait_for

HEADER = "82830"
STOPS = 120
ANSWERS = 300
BAD_ROWS_SHOWN = 8
CAMPAIGN_LIMIT_S = 60.0
WATCH_S = 0.5  # between two looks at a campaign: enough lines to see it go
STOP_WORDS = ("STOP", "stop", "Stop.", "STOP ALL", " unsubscribe ", "Stop!")
REPLIES = (
    "Yes please, table for 4 on Saturday 🎉",
    "What time do you open?",
    "k thx",
    "Stop knowing me so well! See you Friday",  # no wish to stop
    "Can I bring the dog? £5 off for him too? ;-)",
    "Grüße aus Köln, wir kommen!",
    "Is it still on? My phone died\nsorry",
    "no ta. but dont stop sending these",
    "👍",
)

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("demo")
def demo() -> None:
    """Tell the main job line by line on the running platform; exits 1 where a promise is not kept."""
    settings = DemoSettings()
    Story(Gateway(settings.gateway_url), Handsets(settings.control_url)).tell()


class Story:
    def __init__(self, gateway: Gateway, handsets: Handsets) -> None:
        self.gateway = gateway
        self.handsets = handsets
        self.tag = secrets.token_hex(3).upper()  # titles and texts of this telling
        self.began_at = datetime.now(UTC)
        self.chance = random.Random(SEED)  # noqa: S311 -- the same people answer every time
        self._began_s = time.monotonic()

    def say(self, sentence: str) -> None:
        typer.echo(f"{time.monotonic() - self._began_s:6.1f} s  {sentence}")

    def tell(self) -> None:
        company = self.log_in()
        self.say("An outside system subscribes with a credential that can do nothing but read its own queue.")
        with subscriber(f"demo-{self.tag.lower()}", company) as outside:
            people, list_id = self.import_the_spreadsheet()
            first = self.campaign("Ten per cent off this week", list_id)
            self.each_got_it_once(first, people.numbers)
            answered, stopped = self.handsets_answer(people.numbers)
            self.second_campaign_passes_the_stopped_by(list_id, people.numbers, stopped)
            self.conversation(answered)
            self.what_the_subscriber_heard(outside, answered, stopped)
            self.start_again(outside, stopped)
        self.books_balance()
        self.gateway.get("Security/Logout")
        self.say("Logged out. Every promise was kept.")

    def log_in(self) -> str:
        who = self.gateway.log_in("demo", "demo-password")
        headers = self.gateway.get("Company/GetHeaders")
        promise(HEADER in headers, f"{who['Company']} may send as {HEADER}")
        self.say(f"Logged in as demo of {who['Company']}, which may send as {' or '.join(headers)}.")
        return str(who["Company"])

    def import_the_spreadsheet(self) -> tuple[Spreadsheet, int]:
        people = spreadsheet()
        self.reinstate_those_of_earlier_tellings(people.numbers)
        list_id = self.gateway.call("Phonelists/CreateList", Title=f"Customers {self.tag}", Folder=0)
        began_s = time.monotonic()
        report = self.gateway.v2("POST", f"/lists/{list_id}/imports", people.csv)
        seconds = time.monotonic() - began_s
        self.say(f"Brought a spreadsheet of {ROWS:,} rows into a new list in {seconds:.1f} s:")
        self.say(f"  {report['added']:,} numbers added, {report['duplicates']} twice, {report['bad_count']} rows bad.")
        for row in report["bad"][:BAD_ROWS_SHOWN]:
            self.say(f"  line {row['line']}: {row['value']!r}: {row['reason']}")
        self.say(f"  and {report['bad_count'] - BAD_ROWS_SHOWN} more, each named by its line.")
        told = {row["line"]: row["value"] for row in report["bad"]}
        promise(told == people.bad, "the bad rows are those that are bad, by their lines")
        promise(report["added"] == len(people.numbers), f"{len(people.numbers)} numbers are added")
        numbers = set(self.gateway.get("Phonelists/GetNumbers", str(list_id)))
        promise(numbers == set(people.numbers), "the list holds the good numbers in E.164")
        return people, list_id

    def reinstate_those_of_earlier_tellings(self, numbers: Sequence[str]) -> None:
        left = set(self.gateway.get("Status/GetAllStops")) & set(numbers)
        if left:
            self.handsets.text_in(HEADER, [(number, "START") for number in sorted(left)])
            wait_for("START is heard", lambda: not left & set(self.gateway.get("Status/GetAllStops")))
            self.say(f"{len(left)} people had stopped in an earlier telling and texted START.")

    def campaign(self, offer: str, list_id: int) -> dict[str, Any]:
        """Made, linked, launched and watched to its end; its progress, with the text that it sent."""
        text = f"{offer} at the Demo Café, with code {self.tag}. Reply STOP to opt out"
        title = f"{offer} {self.tag}"
        campaign_id = self.gateway.call("Campaigns/CreateCampaign", Title=title, Text=text, FromNumber=HEADER)
        self.gateway.call("Campaigns/LinkCampaignAndPhonelist", CampaignID=campaign_id, ListID=list_id)
        self.gateway.call("Campaigns/LaunchCampaign", CampaignID=campaign_id)
        began_s = time.monotonic()
        self.say(f"Launched campaign {campaign_id}: {text!r}")

        def ended() -> dict[str, Any]:
            told: dict[str, Any] = self.gateway.v2("GET", f"/campaigns/{campaign_id}")
            self.say(f"  {_progress(told)}")
            accounted = told["waiting"] + told["handed_over"] + sum(told["ended"].values())
            promise(accounted == told["targeted"], "each recipient is accounted for at any moment")
            return told if told["state"] == "finished" else {}

        told = wait_for(f"campaign {campaign_id} is finished", ended, CAMPAIGN_LIMIT_S, WATCH_S)
        seconds = time.monotonic() - began_s
        self.say(f"  finished in {seconds:.1f} s, {told['targeted'] / seconds:,.0f} recipients a second.")
        return told | {"text": text}

    def each_got_it_once(self, campaign: dict[str, Any], numbers: Sequence[str]) -> None:
        got = Counter(self.handsets.who_got(campaign["text"]))
        promise(set(got) == set(numbers), "the handsets that got it are those of the list")
        promise(max(got.values()) == 1, "nobody got it twice")
        promise(campaign["ended"] == {"delivered": len(numbers)}, "all of them are delivered")
        self.say(f"The network's own log: {len(got):,} handsets got it, each exactly once, nobody twice.")

    def handsets_answer(self, numbers: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        """What each who answers texts, and who texts STOP."""
        people = self.chance.sample(list(numbers), ANSWERS + STOPS)
        answered = {number: f"{self.chance.choice(REPLIES)} [{self.tag}]" for number in people[:ANSWERS]}
        stopped = people[ANSWERS:]
        texts = [*answered.items(), *((number, self.chance.choice(STOP_WORDS)) for number in stopped)]
        self.chance.shuffle(texts)
        began_s = time.monotonic()
        self.handsets.text_in(HEADER, texts)
        self.say(f"{ANSWERS} handsets answer and {STOPS} text STOP, in one go.")

        def received() -> bool:
            since = self.began_at.isoformat()
            got = self.gateway.get("Messages/GetInboundMessagesFromDate", DateFrom=since)
            return Counter((m["FromNumber"], m["Message"]) for m in got) >= Counter(texts)

        def stops() -> set[str]:
            return set(self.gateway.get("Status/GetStops"))

        wait_for("every text that was sent in is received, character by character", received)
        self.say(f"  all {len(texts)} are received, character by character, {time.monotonic() - began_s:.1f} s later.")
        wait_for("every STOP is on the list of stops", lambda: set(stopped) <= stops())
        promise(not stops() & set(answered), "'Stop knowing me so well!' is no STOP")
        self.say(f"  {STOPS} are opted out; who merely wrote the word is not.")
        return answered, stopped

    def second_campaign_passes_the_stopped_by(
        self, list_id: int, numbers: Sequence[str], stopped: Sequence[str]
    ) -> None:
        second = self.campaign("Twenty per cent off on Friday", list_id)
        wanted = {"delivered": len(numbers) - len(stopped), "suppressed": len(stopped)}
        promise(second["ended"] == wanted, f"{wanted}; it says {second['ended']}")
        got = Counter(self.handsets.who_got(second["text"]))
        promise(set(got) == set(numbers) - set(stopped), "all but the stopped got it")
        promise(max(got.values()) == 1, "nobody got it twice")
        promise(
            not any(second["text"] in self.handsets.texts_of(number) for number in stopped), "no stopped handset has it"
        )
        self.say(f"{len(got):,} handsets got it, once each; of the {STOPS} that texted STOP none did.")
        refused = self.gateway.answer(
            "Messages/SendInstantMessage", FromNumber=HEADER, ToNumber=stopped[0], Message="Are you sure?"
        )
        promise(
            refused["Status"] == "OptedOut", f"a single text to one of them is refused; it says {refused['Status']}"
        )
        self.say("  A single text to one of them is refused: OptedOut.")

    def conversation(self, answered: dict[str, str]) -> None:
        number, question = next((n, text) for n, text in answered.items() if "time" in text)
        answer = f"We open at 8, see you then! [{self.tag}]"
        self.gateway.call("Messages/SendInstantMessage", FromNumber=HEADER, ToNumber=number, Message=answer)
        began_s = time.monotonic()
        wait_for("the answer is on the handset", lambda: answer in self.handsets.texts_of(number))
        self.say(
            f"Somebody is answered; it is on the handset {1000 * (time.monotonic() - began_s):.0f} ms later. The conversation:"
        )
        texts = [t for t in self.gateway.get("Messages/GetConversation", number) if self.tag in t["Message"]]
        for text in texts:
            self.say(f"  {'we  ' if text['Sent'] else 'they'}  {text['Message']}")
        promise([t["Message"] for t in texts] == [question, answer], "the conversation is both, in order")

    def what_the_subscriber_heard(self, outside: Subscriber, answered: dict[str, str], stopped: Sequence[str]) -> None:
        people = set(answered) | set(stopped)
        wait_for("the subscriber heard every text", lambda: people <= outside.numbers("inbound.texts.received"))
        wait_for("the subscriber heard every STOP", lambda: set(stopped) <= outside.numbers("inbound.contacts.stopped"))
        kinds = Counter(event["type"] for event in outside.events[1:])
        told = ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items()))
        self.say(f"The outside system heard of all {len(people)} of them, in {sum(kinds.values())} events: {told}.")

    def start_again(self, outside: Subscriber, stopped: Sequence[str]) -> None:
        self.handsets.text_in(HEADER, [(number, "START") for number in stopped])
        wait_for("every START is heard", lambda: set(stopped) <= set(self.gateway.get("Status/GetReinstates")))
        reinstated = "inbound.contacts.reinstated"
        wait_for("the subscriber heard every START", lambda: set(stopped) <= outside.numbers(reinstated))
        self.say(f"The {STOPS} text START and may be texted again; the outside system heard it.")

    def books_balance(self) -> None:
        lines = heliograph("books").splitlines()
        promise(lines[-1] == "The books balance.", "the books balance")
        self.say("heliograph books, over everything that this installation ever did:")
        for line in lines:
            if not line.startswith(" "):  # a line a campaign
                self.say(f"  {line}")


def _progress(told: dict[str, Any]) -> str:
    ended = ", ".join(f"{count:,} {state}" for state, count in sorted(told["ended"].items()))
    return (
        f"{told['state']:<9} {told['targeted']:>6,} targeted = {told['waiting']:,} waiting + "
        f"{told['handed_over']:,} handed over{f' + {ended}' if ended else ''}"
    )
