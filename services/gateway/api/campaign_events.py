"""/v2/campaigns/{id}/events: how a campaign goes, as server-sent events (WHATWG HTML, 9.2).

Owns the stream: its form, its pace, its keep-alives and its end. What is told, and to how many at once, is in services/gateway/watching.py. Nothing is kept
for a reader that is slow: the next thing it is told is the newest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from libs.common.bus import Unanswered
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import ReadProgress
from services.gateway.api.call import Call, Reading
from services.gateway.api.inputs import Key, Words
from services.gateway.api.limits import SmallBody
from services.gateway.api.problems import refuses
from services.gateway.watching import Watch

router = APIRouter(prefix="/v2/campaigns", tags=["campaigns"], route_class=SmallBody)

PACE_S = 1.0  # an event each, at most
LOOK_EACH_S = 1.0  # whether the session is over, where nothing changes
KEEP_ALIVE_S = 15.0  # proxies cut what is silent for a minute, some for half of one
END_ID = "end"
EVENT = {  # each of them
    "type": "object",
    "required": ["event", "id", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["progress", "end"]},
        "id": {"type": "string"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
        },
    },
}


class EventStream(StreamingResponse):
    media_type = "text/event-stream"


async def watching(call: Reading, campaign_id: Key) -> AsyncIterator[Watch]:
    """Until the stream has ended."""
    company_id = (await call.session()).company_id
    watches = call.gateway.watches
    async with watches.watch(
        company_id, campaign_id, lambda: call.ask_once(ReadProgress(campaign_id=campaign_id))
    ) as watch:
        yield watch


@router.get(
    "/{campaign_id}/events",
    response_class=EventStream,
    responses=refuses(Code.NOT_FOUND, Code.LIMIT_REACHED)
    | {200: {"content": {EventStream.media_type: {"schema": EVENT}}}}
    | {204: {"description": f"It is over, and the reader has been told: its Last-Event-ID is `{END_ID}`."}},
)
async def watch_campaign(
    call: Reading,
    watch: Annotated[Watch, Depends(watching)],
    last_event_id: Annotated[
        Words | None, Header(description="`id` of the last event that came: it is not told again.")
    ] = None,
) -> Response:
    """Server-sent events: `progress`, as GET .../progress tells it, at once and whenever it has changed, once a second at most; `end` when nothing of the
    campaign can change any more. Between them a comment each 15 s. Ends with the session, too."""
    if watch.newest.over and last_event_id == END_ID:
        return Response(status_code=204)  # a browser's EventSource would come again for ever
    return EventStream(_events(call, watch, last_event_id), headers={"x-accel-buffering": "no"})


async def _events(call: Call, watch: Watch, seen: str | None) -> AsyncIterator[str]:
    said_at = time.monotonic()
    while True:
        newest = watch.newest
        if newest.id != seen:
            yield event("progress", newest.id, newest.words)
            seen, said_at = newest.id, time.monotonic()
        if newest.over:
            yield event("end", END_ID, "{}")
            return
        if time.monotonic() - said_at >= KEEP_ALIVE_S - PACE_S:
            yield ": keep-alive\n\n"
            said_at = time.monotonic()
        await asyncio.sleep(PACE_S)
        if newest is watch.newest:
            await watch.news(LOOK_EACH_S)
        if call.gateway.watches.closing or not await _is_let_in(call):
            return


async def _is_let_in(call: Call) -> bool:
    """False where nobody can say so, too: the reader comes again, and is told why."""
    try:
        await call.session()
    except (Refusal, Unanswered):
        return False
    return True


def event(name: str, id_: str, data: str) -> str:
    """`data` is one line."""
    return f"event: {name}\nid: {id_}\ndata: {data}\n\n"
