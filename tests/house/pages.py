"""Pages of docs/reference that are printed from the code's own tables. `python -m tests.house.pages` writes them; a test compares."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_settings import BaseSettings

from libs.common.settings import BusSettings, ServiceSettings, Settings
from services.campaign.campaigns.rules import NEXT as CAMPAIGN_NEXT
from services.gateway.documented.operations import OPERATIONS
from services.gateway.documented.statuses import MEANINGS, Status
from services.messaging.carriers.kinds import KINDS
from services.messaging.sending.states import END, NEXT
from services.simulator.__main__ import SimulatorSettings

SERVICES = ("auth", "messaging", "inbound", "phonelist", "campaign", "gateway", "simulator")
REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"

DECIDED = """\
## What we decided where the documentation is silent

Every answer:

- A refusal is a 200 with a status; `Result` is then empty, 0 or no items (nil where it is an object). What cannot be read or routed gets HTTP's own
  error (400, 404, 405, 413, 415) with `Message`, and `MessageDetail` where there is more to say. 503 and 504, with `Retry-After`, mean that the
  platform could not do it in time; after a 504 it may have been done: `X-Message-Id` names what to look for.
- Paths, names in queries and names in bodies are read without regard to case; a name given twice is refused, unknown ones are ignored. XML elements
  may come in any order and under any prefix. A document type is refused. A string that is null or missing is empty, a number 0.
- A list is passed on page by page; where it cannot be finished the connection is cut, so a list that ends well is whole.
- A body has at most 64 KiB, that of AddMultipleEntries 64 MiB.
- Dates are told with the UK's offset. A date that is given without an offset is UK time, a day alone is its midnight. A date of birth is a day: it is
  told without an offset. "Since midnight the preceding day" is 00:00 of yesterday, UK time.
- Numbers are read as people write them (`07700 900123`, `+44 (0)7700-900123`, full-width digits) and given back as E.164.
- Another company's id is answered exactly as one that never was: NotFound.

Security and users:

- A session ends after 30 minutes without use and after 12 hours in any case. A new password, new permissions or the user's deactivation end it. An
  API key of /v2 may stand where a session token does.
- RequestReusableToken makes a new token each time; of 20 the least recently used one goes. A reusable token ends when it is not used for 180 days, is
  revoked (/v2), or the password changes; what it opened ends with it. VerifyReusableToken answers whom it would log in, with an empty Token.
- After ten wrong passwords for a name in 15 minutes it is LimitReached, whatever the password.
- GetFolders begins with the root: ID 0, no parent. Folders in it have ParentID 0. GetHeaders and GetBrands tell the active ones, in the order they
  were added.
- The one permission is Send Message: SendInstantMessage, SendTwoFactorToken and all of Campaigns need it.
- Test answers `Success`, or the name of the status that refused it. Foo answers 204.

Messages, text-ins and statuses:

- FromNumber must be an active header of the company, in whatever case.
- SendInstantMessage answers an empty `Result`, as documented; the text's id is in the header `X-Message-Id`. Refused with OptedOut where the number
  has texted STOP.
- SendTwoFactorToken: `GenerationRule` is words in any order: a length (4 to 12), `digits`, `letters` or `mixed`, and `clear` to leave out look-alikes
  (0 O, 1 I L, 2 Z, 5 S, 8 B); where it is empty, `6 digits`. `Token` is the place of the code in `Message`; where it is empty, `{code}`, and where
  that does not occur either, the code stands at the end. `Result` is the code. It is derived from the text's id and stored nowhere. It goes out to
  opted-out numbers too, and is dropped after ten minutes.
- GetConversation: single texts and what the number texted; a campaign's texts, codes and test texts are no conversation.
- A text-in is a keyword on a header, the company's own or a shared one: a text whose first word it is. GetTextIns and GetContacts tell one item a
  text, oldest first. GetContacts is from DateFrom to before DateTo, at most a week later by the UK's clocks.
- What comes in on a shared number without a keyword is nobody's; a STOP there is every company's that uses the number.
- GetStops, GetReinstates: each number once, by its newest change: who texted START after STOP is no longer among the stops.
- getrecentfails: the numbers that campaigns pass over for now and whose last failure was since DateFrom: failed in three campaigns within 90 days, or
  once for good (not in use, barred). /v2/failed-numbers says until when and why, and lifts it.

Phone lists and campaigns:

- Folder 0, or none, is the company's root. `Name` is read for `Title`, `PhonelistID` for `ListID`; AddSingleEntry takes the entry's fields inside
  ListEntry or beside it.
- AddSingleEntry and AddMultipleEntries are all or nothing: one bad number and no entry is added. Numbers that are there already are kept as they are;
  `Result` tells how many, and of a refusal which entry and why. All 17 fields are given back as they were given.
- GetPreviousNumber, GetNextNumber: in the order in which numbers were added; an empty `Result` at the list's ends, NotFound where the number is not
  in the list.
- CreateCampaign: titles may repeat. `Lease`: for how many hours after `LaunchAt` it may send; 0: no end; InvalidDate where that is over already. No
  `LaunchAt`, .NET's unset one (`0001-01-01T00:00:00`), or one that has passed: at launch.
- LaunchCampaign freezes who gets the text, each number once. StopCampaign before that has begun makes it a draft again, to be changed and launched
  anew; of a draft it changes nothing; later it is for good, and `Result` tells how many of how many were handed over.
- UnlinkCampaignAndPhonelist takes its names from the body or, where that was dropped on the way, from the query.
"""


def states_page() -> str:
    lines = [
        "# States of a text",
        "",
        "Printed from `services/messaging/sending/states.py` (`python -m tests.house.pages`). An end state is never left.",
        "",
        "| from | to | moved by |",
        "|---|---|---|",
    ]
    lines += [f"| {before} | {after} | {who} |" for before, follows in NEXT.items() for after, who in follows.items()]
    return "\n".join([*lines, "", f"End states: {', '.join(sorted(END))}.", "", *_campaign_states()])


def _campaign_states() -> list[str]:
    steps = [(before, after, who) for before, follows in CAMPAIGN_NEXT.items() for after, who in follows.items()]
    ends = sorted(state for state, follows in CAMPAIGN_NEXT.items() if not follows)
    return [
        "# States of a campaign",
        "",
        "Printed from `services/campaign/campaigns/rules.py`. What each means, and what the commands do: [campaigns.md](../campaigns.md).",
        "",
        "| from | to | moved by |",
        "|---|---|---|",
        *(f"| {before} | {after} | {who} |" for before, after, who in steps),
        "",
        f"End states: {', '.join(ends)}.",
        "",
    ]


def documented_page() -> str:
    lines = [
        "# The documented surface",
        "",
        f"All {len(OPERATIONS)} operations. Printed from the gateway's tables (`python -m tests.house.pages`); models and samples of each are at `/Help` of a",
        "running gateway, what each was tried with in [conformance.md](conformance.md).",
        "",
        "| operation | |",
        "|---|---|",
    ]
    lines += [f"| `{operation.route}` | {operation.description} |" for operation in OPERATIONS]
    return "\n".join([*lines, "", DECIDED, *_statuses()])


def _statuses() -> list[str]:
    """The numbers, and which enum may say which of them."""
    sets = {each.answer.statuses.name: each.answer.statuses for each in OPERATIONS if each.answer.statuses}
    lines = [
        "## Statuses",
        "",
        "`StatusEnum` is a number in JSON and the name in XML. A number, once released, is never given to another name.",
        "",
        f"| number | name | meaning | {' | '.join(sets)} |",
        "|---|---|---|" + "---|" * len(sets),
    ]
    for status in Status:
        said = ["x" if status in each.members else "" for each in sets.values()]
        lines.append(f"| {status.value} | {status.name} | {MEANINGS[status]} | {' | '.join(said)} |")
    return [*lines, ""]


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "Printed from the settings classes (`python -m tests.house.pages`). Each is an environment variable, or a file of that name (small letters)",
        "in the folder that `HELIOGRAPH_SECRETS_DIR` names. A process that is told something wrong says what, and exits.",
        "",
    ]
    common = set(Settings.model_fields) | set(BusSettings.model_fields) | set(ServiceSettings.model_fields)
    lines += [
        "## Every process",
        "",
        *_rows(Settings, set()),
        "## Every service",
        "",
        *_rows(BusSettings, set(Settings.model_fields)),
    ]
    lines += ["## Services with a database", "", *_rows(ServiceSettings, set(BusSettings.model_fields))]
    for name in SERVICES:
        own = (
            importlib.import_module(f"services.{name}.__main__").SERVICE.settings
            if name != "simulator"
            else SimulatorSettings
        )
        if set(own.model_fields) - common:
            lines += [f"## {name}", "", *_rows(own, common)]
    return "\n".join(lines)


def _rows(class_: type[BaseSettings], known: set[str]) -> list[str]:
    fields = {name: field for name, field in class_.model_fields.items() if name not in known}
    rows = [
        f"| `HELIOGRAPH_{name.upper()}` | {'required' if field.is_required() else field.default} | {field.description} |"
        for name, field in fields.items()
    ]
    return ["| variable | default | |", "|---|---|---|", *rows, ""]


def carriers_page() -> str:
    lines = [
        "# Settings of a carrier",
        "",
        "Printed from the classes that check them (`python -m tests.house.pages`): what stands in the JSON file of `heliograph carrier add`. What is",
        "secret is sealed before it is stored and shown to nobody. How to use them: [carriers.md](../carriers.md).",
        "",
    ]
    for kind in KINDS.values():
        lines += [f"## {kind.name}", "", *_fields(kind.settings)]
    return "\n".join(lines)


def _fields(model: type[BaseModel]) -> list[str]:
    """Those of a model within it below its own, by their class's name."""
    rows, within = [], dict[str, type[BaseModel]]()
    for name, field in model.model_fields.items():
        inner = [each for each in (field.annotation, *get_args(field.annotation)) if _is_model(each)]
        within |= {each.__name__: each for each in inner}
        default = (
            "required"
            if field.is_required()
            else ""
            if field.default_factory or isinstance(field.default, BaseModel)
            else f"`{json.dumps(field.default)}`"
        )
        said = " ".join(filter(None, [field.description, *(f"See {each.__name__}." for each in inner)]))
        rows.append(f"| `{name}` | {default} | {said} |")
    lines = ["| setting | default | |", "|---|---|---|", *rows, ""]
    for name, each in within.items():
        lines += [f"### {name}", "", *_fields(each)]
    return lines


def _is_model(what: Any) -> bool:
    return isinstance(what, type) and issubclass(what, BaseModel)


PAGES = {
    "states.md": states_page,
    "documented-api.md": documented_page,
    "settings.md": settings_page,
    "carriers.md": carriers_page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())
