"""Pages of docs/reference that are printed from the code's own tables. `python -m tests.house.pages` writes them; a test compares."""

from __future__ import annotations

import importlib
from pathlib import Path

from pydantic_settings import BaseSettings

from libs.common.settings import BusSettings, ServiceSettings, Settings
from services.gateway.documented.handlers import HANDLERS
from services.gateway.documented.operations import OPERATIONS
from services.gateway.documented.statuses import MEANINGS, Status
from services.messaging.sending.states import END, NEXT
from services.simulator.__main__ import SimulatorSettings

SERVICES = ("auth", "messaging", "inbound", "phonelist", "campaign", "gateway", "simulator")
REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"

DECIDED = """\
## What we decided where the documentation is silent

- **Answers.** A refusal is a 200 with a status; `Result` is then empty, 0 or no items. What cannot be read or routed gets HTTP's own error (400, 404,
  405, 413, 415) with `Message`.
  503 and 504 mean that the platform could not do it in time; after a 504 it may have been done: `X-Message-Id` names what to look for.
- **Sessions** end after 30 minutes without use and after 12 hours in any case. A new password or new permissions end them.
- **Numbers** are read as people write them (`07700 900123`, `+44 (0)7700-900123`) and given back as E.164.
- **FromNumber** must be an active header of the company, in whatever case.
- **SendInstantMessage** answers an empty `Result`, as documented; the text's id is in the header `X-Message-Id`. Refused with `OptedOut` where the
  number has texted STOP.
- **SendTwoFactorToken.** `GenerationRule`: words in any order, a length (4 to 12), `digits`, `letters` or `mixed`, and `clear` to leave out
  look-alikes; `6 digits` where it is empty.
  `Token` is the place of the code in `Message`; where it is empty, `{code}`, and where that does not occur either, the code stands at the end.
  `Result` is the code. It is derived from
  the text's id and stored nowhere. Goes out to opted-out numbers too, and is dropped after ten minutes.
- **Since midnight the preceding day** is UK time.
- **GetStops, GetReinstates**: each number once, by its newest change: who texted START after STOP is no longer among the stops.
- **GetConversation**: single texts and what the number texted; a campaign's texts and codes are no conversation.
- **AddMultipleEntries** is all or nothing: one bad number and no entry is added. Numbers that are there already are kept as they are; `Result` tells
  how many.
- **Folder** 0 is the company's root. `Name` is read for `Title`, `PhonelistID` for `ListID`.
- **CreateCampaign.** `Lease`: for how many hours after `LaunchAt` it may send; 0: no end. A `LaunchAt` without an offset is UK time; none, or one
  that has passed: at launch.
- **StopCampaign** tells in `Result` how many of how many were handed over.
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
    return "\n".join([*lines, "", f"End states: {', '.join(sorted(END))}.", ""])


def documented_page() -> str:
    there = sum(operation.name in HANDLERS for operation in OPERATIONS)
    lines = [
        "# The documented surface",
        "",
        f"{there} of {len(OPERATIONS)} operations are there; the others answer 501. Printed from the gateway's tables (`python -m tests.house.pages`);",
        "models and samples of each are at `/Help` of a running gateway.",
        "",
        "| operation | there | |",
        "|---|---|---|",
    ]
    lines += [f"| `{o.route}` | {'yes' if o.name in HANDLERS else ''} | {o.description} |" for o in OPERATIONS]
    lines += ["", DECIDED, "## Statuses", "", "| number | name | meaning |", "|---|---|---|"]
    lines += [f"| {status.value} | {status.name} | {MEANINGS[status]} |" for status in Status]
    return "\n".join([*lines, ""])


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


PAGES = {"states.md": states_page, "documented-api.md": documented_page, "settings.md": settings_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())
