"""inbound: wiring, nothing else. What it answers, hears and does by itself, readable without running it."""

from __future__ import annotations

from libs.common.bus import Commands, Events, Queries, each, each_read, operator, user, user_or_console
from libs.common.contracts.auth import SEND
from libs.common.contracts.consents import ReadConsents, RecordConsents
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
from libs.common.contracts.messaging import HeadersUsed, TextsArrived
from libs.common.contracts.optouts import (
    AddOptOuts,
    LiftOptOut,
    ReadOptOutPolicy,
    ReadOptOuts,
    ReadReviews,
    SetOptOutPolicy,
    SettleReview,
)
from libs.common.contracts.senders import HeadersChanged
from libs.common.contracts.textins import ListDeadDeliveries, SetTextInActions
from libs.common.service import Service, run
from services.inbound import books
from services.inbound.app import compose
from services.inbound.consents import handlers as consents
from services.inbound.inbox import handlers as inbox
from services.inbound.optouts import handlers as optouts
from services.inbound.optouts import people
from services.inbound.settings import InboundSettings
from services.inbound.textins import handlers as textins
from services.inbound.textins import loop as webhooks
from services.inbound.texts import handlers as texts
from services.inbound.texts import loop

COMMANDS: Commands = {
    MarkTexts: user()(each(inbox.mark)),
    RecordConsents: user_or_console(each(consents.record)),
    CreateTextIn: operator(each(textins.create)),
    SetTextInActive: operator(each(textins.set_active)),
    SetTextInActions: user(SEND)(each(textins.set_actions)),
    AddOptOuts: user_or_console(each(people.add)),
    LiftOptOut: user_or_console(each(people.lift)),
    SettleReview: user_or_console(each(people.settle)),
    SetOptOutPolicy: user_or_console(each(people.set_policy)),
}
QUERIES: Queries = {
    ReadInbound: user()(each_read(inbox.read)),
    ShowInbound: user()(inbox.show),
    ReadConsents: user_or_console(each_read(consents.read)),
    ListTextIns: user_or_console(each_read(textins.list_all)),
    ListDeadDeliveries: user()(each_read(textins.list_dead)),
    ReadStops: user()(optouts.read_stops),
    ReadReinstates: user()(optouts.read_reinstates),
    ReadOptOuts: user_or_console(each_read(people.read)),
    ReadReviews: user_or_console(each_read(people.read_reviews)),
    ReadOptOutPolicy: user_or_console(each_read(people.read_policy)),
    ReadInboundBooks: operator(each_read(books.read)),
}
EVENTS: Events = {
    TextsArrived: texts.on_arrived,
    HeadersChanged: texts.on_headers_changed,
    HeadersUsed: optouts.on_headers_used,
}
LOOPS = [loop.claim, loop.hearing, *webhooks.LOOPS]

SERVICE = Service(
    name="inbound",
    settings=InboundSettings,
    compose=compose,
    commands=COMMANDS,
    queries=QUERIES,
    events=EVENTS,
    loops=LOOPS,
)

if __name__ == "__main__":
    run(SERVICE)
