"""heliograph: the operators' command line, one file a noun, thin over commands and queries of the services.

Owns nothing. A noun's file is read only when the noun is used, so that help is there at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

# Noun or verb -> its module, and a line of help.
NOUNS = {
    "migrate": ("migrate", "Bring the services' databases to what this version needs."),
    "seed-demo": ("seed_demo", "Make the demo company, its users and headers. Development mode only."),
    "company": ("company", "Companies: create, list, show."),
    "user": ("user", "Users: create, password, permit, activate, deactivate."),
    "header": ("header", "What a company sends as: add, activate, deactivate, brand, approve, reject, protect."),
    "policy": ("policy", "What a company decides about its own texts: show, set."),
    "consent": ("consent", "The ledger of consents: export, import (opt-outs of another service, too)."),
    "brand": ("brand", "Brands: add, activate, deactivate."),
    "folder": ("folder", "Folders: create."),
    "textin": ("textin", "Keywords on a header: create, list, activate, deactivate."),
    "text": ("text", "Texts before they are sent: preview."),
    "optout": ("optout", "Opt-outs: list, review, settle, add, remove."),
    "message": ("message", "One text: show its whole life."),
    "in-doubt": ("in_doubt", "Texts that a carrier may or may not have taken: list, settle."),
    "carrier": ("carrier", "Carriers: add, list, show, pause, drain, resume, rate, cap-sender, remove, replay."),
    "route": ("route", "Which texts go by which carrier: add, list, remove."),
    "campaign": (
        "campaign",
        "Campaigns: create, link, preview, test, dry-run, launch, watch, pause, resume, stop, report and more.",
    ),
    "usage": ("usage", "What was sent and what it cost, by month, company, sender and campaign; as CSV, too."),
    "price": ("price", "What a part costs, by the beginning of the number: show, set."),
    "account": ("account", "What bounds a company's sending, and its share beside others: show, set."),
    "ledger": ("ledger", "What the ledger of texts holds, and until when: retention."),
    "verification": ("verification", "Codes: watch whose are used, limit, refuse-unused."),
    "list": ("lists", "Phone lists: import."),
    "subscriber": ("subscriber", "Outside systems that hear our public events: create, delete."),
    "demo": ("demo.story", "The main job, told line by line on the running platform."),
    "books": ("books", "Check that nothing is lost and nothing is there twice."),
}


class Nouns(TyperGroup):
    """Finds a noun's module when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(NOUNS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in NOUNS:
            return None
        module, _ = NOUNS[cmd_name]
        command = typer.main.get_command(import_module(f"services.console.{module}").app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The table above, instead of every module's own words."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in NOUNS.items()])


app = typer.Typer(
    cls=Nouns,
    name="heliograph",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def heliograph() -> None:
    """The operators' way into Heliograph. Reads its settings from HELIOGRAPH_... variables, as every service does."""


def main() -> None:
    try:
        app(prog_name="heliograph")
    except Exception as error:
        from services.console.asking import explain

        explain(error)


if __name__ == "__main__":
    main()
