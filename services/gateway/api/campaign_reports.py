"""/v2/campaigns/{id}: what it tells. Before a launch the preview and the dry run; then how far it is, what became of whom, and that as CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from libs.common import report_csv
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import (
    BeginDryRun,
    CampaignReport,
    DryRun,
    DryRunId,
    PreviewCampaign,
    Progress,
    ReadDryRun,
    ReadProgress,
    ReadReport,
    ReadReportRows,
    ReportPage,
    ReportRow,
)
from services.gateway.api.call import Call, Reading, Writing
from services.gateway.api.campaigns import CHANGING
from services.gateway.api.inputs import DIGITS, Key, Words
from services.gateway.api.limits import SmallBody
from services.gateway.api.pages import LIMIT_DEFAULT, AfterKey, Limit, Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/campaigns", tags=["campaigns"], route_class=SmallBody)


class PreviewedText(BaseModel):
    """`missing`: fields that the number's entry lacks and that have no default; then there is no text."""

    number: str
    text: str
    missing: list[str]


class Preview(BaseModel):
    sender: str = Field(serialization_alias="from")
    items: list[PreviewedText]


@router.get("/{campaign_id}/preview", responses=refuses(Code.NOT_FOUND, Code.INVALID_NUMBER))
async def preview_campaign(
    call: Reading,
    campaign_id: Key,
    number: Annotated[Words, Query(description="As this number would get it; 404 where no list of it holds it.")] = "",
    limit: Annotated[int, Query(ge=1, le=100), DIGITS] = 5,
) -> Preview:
    """The text as the first entries of its lists would get it. Sends nothing."""
    told = await call.ask(PreviewCampaign(campaign_id=campaign_id, number=number, limit=limit))
    items = [PreviewedText(number=item.number, text=item.body, missing=item.missing) for item in told.items]
    return Preview(sender=told.sender, items=items)


@router.post(
    "/{campaign_id}/dry-run", status_code=202, responses=refuses(*CHANGING, Code.NO_RECIPIENTS, Code.INVALID_SENDER)
)
async def begin_dry_run(call: Writing, campaign_id: Key) -> DryRunId:
    """Begins to find out what a launch would do, by the same code: whom it would reach, whom not and why, in which parts, at what cost. Sends nothing."""
    return await call.ask(BeginDryRun(campaign_id=campaign_id))


@router.get("/{campaign_id}/dry-run", responses=refuses(Code.NOT_FOUND))
async def read_dry_run(call: Reading, campaign_id: Key) -> DryRun:
    """The newest dry run, as far as it is. `left_out`: by reason. `micros`: millionths of the unit of `currency`."""
    return await call.ask(ReadDryRun(campaign_id=campaign_id))


@router.get("/{campaign_id}/progress", responses=refuses(Code.NOT_FOUND))
async def read_progress(call: Reading, campaign_id: Key) -> Progress:
    """How far it is: targeted = waiting + handed_over + the sum of ended, at any moment."""
    return await call.ask(ReadProgress(campaign_id=campaign_id))


@router.get("/{campaign_id}/report", responses=refuses(Code.NOT_FOUND))
async def read_report(call: Reading, campaign_id: Key) -> CampaignReport:
    """What became of it: ends by reason, parts, replies and opt-outs that came of it, delivery times."""
    return await call.ask(ReadReport(campaign_id=campaign_id))


@router.get("/{campaign_id}/recipients", responses=refuses(Code.NOT_FOUND))
async def list_recipients(
    call: Reading, campaign_id: Key, after: AfterKey | None = None, limit: Limit = LIMIT_DEFAULT
) -> Page[ReportRow]:
    """Who gets it and what became of each, by position. `state` null: it has no end yet."""
    found = await call.ask(ReadReportRows(campaign_id=campaign_id, after=after or 0, limit=limit))
    return page(found.rows, found.rows[-1].position if found.more else None)


@router.get(
    "/{campaign_id}/report.csv",
    response_class=StreamingResponse,
    responses=refuses(Code.NOT_FOUND) | {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_report(call: Reading, campaign_id: Key) -> StreamingResponse:
    """The recipients as CSV in UTF-8, with the names of the columns first. A connection that is cut before the end tells that it is not whole."""
    first = await call.ask_once(ReadReportRows(campaign_id=campaign_id))
    headers = {"content-disposition": f'attachment; filename="campaign-{campaign_id}.csv"'}
    return StreamingResponse(_lines(call, campaign_id, first), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(call: Call, campaign_id: int, found: ReportPage) -> AsyncIterator[str]:
    """A page at a time, whatever the campaign's size: the next is asked for when the reader has taken this one."""
    yield report_csv.header()
    while True:
        yield report_csv.lines(found.rows)
        if not found.more:
            return
        found = await call.ask_once(ReadReportRows(campaign_id=campaign_id, after=found.rows[-1].position))
