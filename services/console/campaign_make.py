"""heliograph campaign create, link, unlink: what a campaign is made of, until it is launched."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, get_args

import typer

from libs.common.clock import from_client
from libs.common.contracts.campaign import CreateCampaign, Day, LinkList, SendingWindow, UnlinkList
from services.console.as_user import AsUser, Password, Username, ask_as, asking_as
from services.console.asking import Trouble

CampaignId = Annotated[int, typer.Argument(metavar="CAMPAIGN", help="Its id.")]
ListIds = Annotated[list[int], typer.Argument(metavar="LIST...", help="Ids of lists.")]

DAYS: tuple[Day, ...] = get_args(Day)
TIME_HELP = "Such as '2026-12-24 18:00', UK time where it has no offset."


def create(
    title: str,
    text: Annotated[str, typer.Argument(help="With --personal, fields such as {{first_name:title|friend}}.")],
    sender: Annotated[str, typer.Option("--from", metavar="HEADER", help="One of the company's active headers.")],
    username: Username,
    password: Password,
    personal: Annotated[bool, typer.Option("--personal", help="The text has merge fields.")] = False,
    launch_at: Annotated[str, typer.Option(metavar="TIME", help=f"Not before this. {TIME_HELP}")] = "",
    lease_hours: Annotated[int, typer.Option(help="For how long after that it may send; 0: no end.")] = 0,
    per_minute: Annotated[
        int | None, typer.Option(help="At most so many recipients a minute; else as fast as it goes.")
    ] = None,
    spread_until: Annotated[str, typer.Option(metavar="TIME", help="Evenly until then. See --launch-at.")] = "",
    window: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'DAYS HOURS'", help="It sends within these only: 'mon-fri 09:00-17:30'. May be repeated."
        ),
    ] = None,
    brand: Annotated[str, typer.Option(help="One of the company's active brands.")] = "",
    folder: Annotated[int, typer.Option(help="The id of a folder; 0: the root.")] = 0,
) -> None:
    """Make a draft: it sends nothing until it is launched. Next: link lists."""
    new = CreateCampaign(
        title=title,
        body=text,
        sender=sender,
        folder_id=folder,
        brand=brand,
        launch_at=_moment("--launch-at", launch_at),
        lease_hours=lease_hours,
        personal=personal,
        per_minute=per_minute,
        spread_until=_moment("--spread-until", spread_until),
        windows=[sending_window(each) for each in window or ()],
    )
    typer.echo(f"campaign {ask_as(username, password, new).id}: a draft")


def link(
    campaign_id: CampaignId,
    list_ids: ListIds,
    username: Username,
    password: Password,
    exclude: Annotated[
        bool, typer.Option("--exclude", help="Their numbers get nothing, whichever other list holds them.")
    ] = False,
) -> None:
    """Add lists. A number gets one text, however many of them hold it."""
    links = [LinkList(campaign_id=campaign_id, list_id=list_id, exclude=exclude) for list_id in list_ids]
    asking_as(username, password, lambda user: _each(user, links))


def unlink(campaign_id: CampaignId, list_ids: ListIds, username: Username, password: Password) -> None:
    """Take lists out again, before the launch."""
    links = [UnlinkList(campaign_id=campaign_id, list_id=list_id) for list_id in list_ids]
    asking_as(username, password, lambda user: _each(user, links))


async def _each(user: AsUser, links: list[LinkList] | list[UnlinkList]) -> None:
    for each in links:
        await user.ask(each)


def _moment(option: str, written: str) -> datetime | None:
    if not written:
        return None
    try:
        return from_client(datetime.fromisoformat(written))
    except ValueError:
        raise Trouble(f"{option}: {written!r} is no time. {TIME_HELP}") from None


def sending_window(written: str) -> SendingWindow:
    """Of 'mon-fri 09:00-17:30' or 'sat,sun 10:00-16:00'. Ends the command where it is none."""
    try:
        days, hours = written.split()
        opens, closes = (time.fromisoformat(each) for each in hours.split("-"))
        named = [day for span in days.lower().split(",") for day in _days(span)]
        return SendingWindow(days=named, opens=opens, closes=closes)
    except ValueError:
        raise Trouble(f"--window: {written!r} is none. Write such as 'mon-fri 09:00-17:30'") from None


def _days(span: str) -> tuple[Day, ...]:
    """Of mon, or mon-fri; a span may go over Sunday."""
    names: tuple[str, ...] = DAYS
    first, _, last = span.partition("-")
    begin, end = names.index(first), names.index(last or first)
    return DAYS[begin : end + 1] if begin <= end else DAYS[begin:] + DAYS[: end + 1]


def days_of(window: SendingWindow) -> str:
    """Its days, as sending_window reads them."""
    days = [day for day in DAYS if day in window.days]
    span = f"{days[0]}-{days[-1]}"
    return span if len(days) > 2 and len(_days(span)) == len(days) else ",".join(days)
