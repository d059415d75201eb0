"""messaging: wiring, nothing else. What it answers, hears and does by itself, readable without running it."""

from __future__ import annotations

from libs.common.bus import anyone, each, each_read, only, operator, user, user_or_console
from libs.common.contracts.auth import SEND
from libs.common.contracts.campaign import CampaignSteered, RecipientsHandedOver
from libs.common.contracts.carriers import ReplayCallbacks, TakeCallback
from libs.common.contracts.inbound import ContactsReinstated, ContactsStopped, RepliesWanted, TextsReceived
from libs.common.contracts.messaging import (
    CancelText,
    CountQueued,
    CreateTemplate,
    FindTexts,
    ForecastTexts,
    LiftFailed,
    ListTemplates,
    ReadConversation,
    ReadFailed,
    ReadMessagingBooks,
    ReadRetention,
    ReadText,
    RemoveTemplate,
    ReplaceTemplate,
    SendText,
    SendVerification,
    SettleInDoubt,
    ShowTemplate,
    ShowText,
    SteerCampaign,
)
from libs.common.contracts.policies import ReadPolicy, SetPolicy
from libs.common.contracts.routing import (
    AddCarrier,
    AddRoute,
    ListCarriers,
    ListDoubts,
    ListRoutes,
    RemoveCarrier,
    RemoveRoute,
    ReplayReceipts,
    SetCarrier,
    SetSenderCap,
)
from libs.common.contracts.senders import HeadersChanged
from libs.common.contracts.texts import PreviewText
from libs.common.contracts.usage import ReadAccount, ReadPrices, ReadUsage, SetAccount, SetPrices
from libs.common.contracts.verification import (
    CancelVerification,
    CheckVerification,
    ReadVerification,
    RefuseUnusedPrefixes,
    SetVerificationLimit,
    StartVerification,
    WatchVerifications,
)
from libs.common.service import Service, run
from services.messaging.app import compose
from services.messaging.arrivals import loop as arrivals
from services.messaging.callbacks import handlers as callbacks
from services.messaging.callbacks import loop as callbacks_loop
from services.messaging.connections import handlers as connections
from services.messaging.connections import loop as connections_loop
from services.messaging.connections.rules import IDLE_S
from services.messaging.conversations import handlers as conversations
from services.messaging.doubts import handlers as doubts
from services.messaging.doubts import loop as doubts_loop
from services.messaging.ledger import handlers as ledger
from services.messaging.ledger import retention
from services.messaging.lookups import handlers as lookups
from services.messaging.policies import handlers as policies
from services.messaging.policies import loop as policies_loop
from services.messaging.previews import forecasts
from services.messaging.previews import handlers as previews
from services.messaging.receipts import handlers as receipts
from services.messaging.receipts import loop as receipts_loop
from services.messaging.routing import handlers as routing
from services.messaging.routing import loop as routing_loop
from services.messaging.sending import handlers as sending
from services.messaging.settings import MessagingSettings
from services.messaging.submitting import loop as submitting
from services.messaging.suppressions import handlers as suppressions
from services.messaging.templates import handlers as templates
from services.messaging.usage import handlers as usage
from services.messaging.usage import loop as usage_loop
from services.messaging.verification import handlers as verification
from services.messaging.verification import loop as verification_loop

SERVICE = Service(
    name="messaging",
    settings=MessagingSettings,
    compose=compose,
    idle_s=IDLE_S,
    commands={
        SendText: user(SEND)(sending.send_texts),
        CancelText: user(SEND)(sending.cancel_texts),
        SendVerification: user(SEND)(verification.send_verifications),
        StartVerification: user(SEND)(verification.start_verifications),
        CheckVerification: user(SEND)(verification.check_verifications),
        CancelVerification: user(SEND)(each(verification.cancel)),
        SetVerificationLimit: operator(each(verification.set_limit)),
        RefuseUnusedPrefixes: operator(each(verification.refuse_unused_prefixes)),
        CreateTemplate: user(SEND)(each(templates.create)),
        ReplaceTemplate: user(SEND)(each(templates.replace)),
        RemoveTemplate: user(SEND)(each(templates.remove)),
        LiftFailed: user(SEND)(each(suppressions.lift_failed)),
        TakeCallback: anyone(callbacks.take_callbacks),
        ReplayCallbacks: operator(each(callbacks.replay_callbacks)),
        AddCarrier: operator(each(connections.add_carrier)),
        SetCarrier: operator(each(connections.set_carrier)),
        RemoveCarrier: operator(each(connections.remove_carrier)),
        SetSenderCap: operator(each(connections.set_sender_cap)),
        AddRoute: operator(each(routing.add_route)),
        RemoveRoute: operator(each(routing.remove_route)),
        ReplayReceipts: operator(each(receipts.replay)),
        SetPolicy: user_or_console(each(policies.set_policy)),
        SetPrices: operator(each(usage.set_prices)),
        SetAccount: operator(each(usage.set_account)),
        SettleInDoubt: operator(each(doubts.settle_in_doubt)),
        SteerCampaign: only("campaign")(sending.steer_campaigns),
    },
    queries={
        ReadConversation: user()(conversations.read_conversations),
        ReadText: user()(each_read(lookups.read_text)),
        FindTexts: user()(each_read(lookups.find_texts)),
        ListTemplates: user()(each_read(templates.list_)),
        ShowTemplate: user()(each_read(templates.show)),
        ReadPolicy: user_or_console(each_read(policies.read_policy)),
        CountQueued: only("campaign")(each_read(sending.count_queued)),
        ForecastTexts: only("campaign")(each_read(forecasts.forecast_texts)),
        ReadPrices: user_or_console(each_read(usage.read_prices)),
        ReadUsage: user_or_console(each_read(usage.read_usage)),
        ReadAccount: user_or_console(each_read(usage.read_account)),
        PreviewText: user_or_console(each_read(previews.preview_text)),
        ReadVerification: user()(each_read(verification.read)),
        WatchVerifications: operator(each_read(verification.watch)),
        ReadFailed: user()(each_read(suppressions.read_failed)),
        ListCarriers: operator(each_read(connections.list_carriers)),
        ListRoutes: operator(each_read(routing.list_routes)),
        ListDoubts: operator(each_read(doubts.list_doubts)),
        ShowText: operator(each_read(ledger.show_text)),
        ReadMessagingBooks: operator(each_read(ledger.read_books)),
        ReadRetention: operator(each_read(retention.read_retention)),
    },
    events={
        HeadersChanged: sending.headers_changed,
        RecipientsHandedOver: sending.recipients_handed_over,
        CampaignSteered: sending.campaign_steered,
        RepliesWanted: sending.replies_wanted,
        ContactsStopped: suppressions.stopped,
        ContactsReinstated: suppressions.reinstated,
        TextsReceived: conversations.texts_received,
    },
    loops=[
        connections_loop.LOOP,
        *submitting.LOOPS,
        *receipts_loop.LOOPS,
        *callbacks_loop.LOOPS,
        *arrivals.LOOPS,
        routing_loop.REROUTE,
        routing_loop.SHIFT,
        doubts_loop.POLICY,
        doubts_loop.ASK,
        *suppressions.LOOPS,
        *verification_loop.LOOPS,
        *policies_loop.LOOPS,
        *retention.LOOPS,
        *usage_loop.LOOPS,
    ],
)

if __name__ == "__main__":
    run(SERVICE)
