"""inbound: wiring, nothing else. What it answers, hears and does by itself, readable without running it."""

from __future__ import annotations

from libs.common.bus import Commands, Events, Queries, each, each_read, operator, user
from libs.common.contracts.auth import HeadersChanged
from libs.common.contracts.inbound import (
    CreateTextIn,
    ListTextIns,
    MarkTexts,
    ReadInbound,
    ReadInboundBooks,
    ReadReinstates,
    ReadStops,
    SetTextInActive,
    ShowInbound,
)
from libs.common.contracts.messaging import TextsArrived
from libs.common.service import Service, run
from libs.common.settings import ServiceSettings
from services.inbound import books
from services.inbound.inbox import handlers as inbox
from services.inbound.optouts import handlers as optouts
from services.inbound.textins import handlers as textins
from services.inbound.texts import handlers as texts
from services.inbound.texts import loop

COMMANDS: Commands = {
    MarkTexts: user()(each(inbox.mark)),
    CreateTextIn: operator(each(textins.create)),
    SetTextInActive: operator(each(textins.set_active)),
}
QUERIES: Queries = {
    ReadInbound: user()(each_read(inbox.read)),
    ShowInbound: user()(inbox.show),
    ListTextIns: user()(each_read(textins.list_all)),
    ReadStops: user()(each_read(optouts.read_stops)),
    ReadReinstates: user()(each_read(optouts.read_reinstates)),
    ReadInboundBooks: operator(each_read(books.read)),
}
EVENTS: Events = {TextsArrived: texts.on_arrived, HeadersChanged: texts.on_headers_changed}
LOOPS = [loop.claim, loop.hear]

SERVICE = Service(
    name="inbound", settings=ServiceSettings, commands=COMMANDS, queries=QUERIES, events=EVENTS, loops=LOOPS
)

if __name__ == "__main__":
    run(SERVICE)
