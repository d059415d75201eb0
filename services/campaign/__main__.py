"""campaign: wiring, nothing else. What it answers, hears and does by itself, readable without running it."""

from __future__ import annotations

from libs.common.bus import each, each_read, operator, user
from libs.common.contracts.auth import SEND, FoldersChanged
from libs.common.contracts.campaign import (
    CreateCampaign,
    LaunchCampaign,
    LinkList,
    ListCampaigns,
    ReadCampaignBooks,
    ReadProgress,
    ShowCampaign,
    StopCampaign,
    UnlinkList,
)
from libs.common.contracts.messaging import RecipientsSettled
from libs.common.contracts.policies import PolicyChanged
from libs.common.contracts.senders import BrandsChanged, HeadersChanged
from libs.common.service import Service, run
from libs.common.settings import ServiceSettings
from services.campaign.campaigns import handlers as campaigns
from services.campaign.company import handlers as company
from services.campaign.recipients import handlers as recipients
from services.campaign.recipients import loop as recipients_loop
from services.campaign.reports import handlers as reports
from services.campaign.schedules import loop as schedules_loop

SERVICE = Service(
    name="campaign",
    settings=ServiceSettings,
    commands={
        CreateCampaign: user(SEND)(each(campaigns.create)),
        LinkList: user(SEND)(each(campaigns.link_list)),
        UnlinkList: user(SEND)(each(campaigns.unlink_list)),
        LaunchCampaign: user(SEND)(each(campaigns.launch)),
        StopCampaign: user(SEND)(each(campaigns.stop)),
    },
    queries={
        ListCampaigns: user()(each_read(campaigns.list_)),
        ShowCampaign: user()(each_read(campaigns.show)),
        ReadProgress: user()(each_read(reports.read_progress)),
        ReadCampaignBooks: operator(each_read(reports.read_books)),
    },
    events={
        RecipientsSettled: recipients.settle,
        HeadersChanged: company.headers_changed,
        BrandsChanged: company.brands_changed,
        FoldersChanged: company.folders_changed,
        PolicyChanged: company.policy_changed,
    },
    loops=[*schedules_loop.LOOPS, *recipients_loop.LOOPS],
)

if __name__ == "__main__":
    run(SERVICE)
