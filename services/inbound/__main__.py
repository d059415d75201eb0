"""inbound: wiring, nothing else. What it answers, hears and does by itself, readable without running it."""

from __future__ import annotations

from libs.common.bus import Commands, Events, Queries, each, each_read, operator, user
from libs.common.contracts.auth import HeadersChanged
from libs.common.contracts.inbound import CreateTextIn, ReadInbound, ReadInboundBooks, ReadReinstates, ReadStops
from libs.common.contracts.messaging import TextsArrived
from libs.common.service import Service, run
from libs.common.settings import ServiceSettings
from services.inbound import books
from services.inbound.optouts import handlers as optouts
from services.inbound.textins import handlers as textins
from services.inbound.texts import handlers as texts
from services.inbound.texts import loop

COMMANDS: Commands = {CreateTextIn: operator(each(textins.create))}
QUERIES: Queries = {
    ReadInbound: user()(each_read(texts.read_inbound)),
    ReadStops: user()(each_read(optouts.read_stops)),
    ReadReinstates: user()(each_read(optouts.read_reinstates)),
    ReadInboundBooks: operator(each_read(books.read)),
}
EVENTS: Events = {TextsArrived: texts.on_arrived, HeadersChanged: texts.on_headers_changed}
LOOPS = [loop.claim]

SERVICE = Service(
    name="inbound", settings=ServiceSettings, commands=COMMANDS, queries=QUERIES, events=EVENTS, loops=LOOPS
)

if __name__ == "__main__":
    run(SERVICE)
