"""messaging: wiring, nothing else. What it answers, hears and does by itself, readable without running it."""

from __future__ import annotations

from libs.common.bus import each, each_read, operator, user
from libs.common.contracts.auth import SEND, HeadersChanged
from libs.common.contracts.campaign import CampaignStopped, RecipientsHandedOver
from libs.common.contracts.inbound import ContactsReinstated, ContactsStopped, TextsReceived
from libs.common.contracts.messaging import (
    CancelText,
    CreateTemplate,
    FindTexts,
    ListTemplates,
    ReadConversation,
    ReadMessagingBooks,
    ReadText,
    RemoveTemplate,
    ReplaceTemplate,
    SendText,
    SendVerification,
    SettleInDoubt,
    ShowTemplate,
    ShowText,
)
from libs.common.service import Service, run
from services.messaging.app import compose
from services.messaging.conversations import handlers as conversations
from services.messaging.ledger import handlers as ledger
from services.messaging.lookups import handlers as lookups
from services.messaging.sending import handlers as sending
from services.messaging.settings import MessagingSettings
from services.messaging.submitting import loop as submitting
from services.messaging.suppressions import handlers as suppressions
from services.messaging.templates import handlers as templates
from services.messaging.verification import handlers as verification

SERVICE = Service(
    name="messaging",
    settings=MessagingSettings,
    compose=compose,
    commands={
        SendText: user(SEND)(sending.send_texts),
        CancelText: user(SEND)(sending.cancel_texts),
        SendVerification: user(SEND)(verification.send_verifications),
        CreateTemplate: user(SEND)(each(templates.create)),
        ReplaceTemplate: user(SEND)(each(templates.replace)),
        RemoveTemplate: user(SEND)(each(templates.remove)),
        SettleInDoubt: operator(each(ledger.settle_in_doubt)),
    },
    queries={
        ReadConversation: user()(each_read(conversations.read_conversation)),
        ReadText: user()(each_read(lookups.read_text)),
        FindTexts: user()(each_read(lookups.find_texts)),
        ListTemplates: user()(each_read(templates.list_)),
        ShowTemplate: user()(each_read(templates.show)),
        ShowText: operator(each_read(ledger.show_text)),
        ReadMessagingBooks: operator(each_read(ledger.read_books)),
    },
    events={
        HeadersChanged: sending.headers_changed,
        RecipientsHandedOver: sending.recipients_handed_over,
        CampaignStopped: sending.campaign_stopped,
        ContactsStopped: suppressions.stopped,
        ContactsReinstated: suppressions.reinstated,
        TextsReceived: conversations.texts_received,
    },
    loops=[*submitting.LOOPS, *ledger.LOOPS],
)

if __name__ == "__main__":
    run(SERVICE)
