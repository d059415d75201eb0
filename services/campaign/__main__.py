"""campaign: wiring, nothing else. What it answers, hears and does by itself, readable without running it."""

from __future__ import annotations

from libs.common.bus import each, each_read, operator, user
from libs.common.contracts.auth import SEND, FoldersChanged
from libs.common.contracts.campaign import (
    BeginDryRun,
    CreateCampaign,
    ExtendCampaign,
    LaunchCampaign,
    LinkList,
    ListCampaigns,
    PauseCampaign,
    PreviewCampaign,
    ReadCampaignBooks,
    ReadDryRun,
    ReadProgress,
    ReadReport,
    ReadReportRows,
    ResumeCampaign,
    ShowCampaign,
    StopCampaign,
    UnlinkList,
)
from libs.common.contracts.inbound import ContactsStopped, TextsReceived
from libs.common.contracts.messaging import RecipientsSettled
from libs.common.contracts.policies import PolicyChanged
from libs.common.contracts.senders import BrandsChanged, HeadersChanged
from libs.common.service import Service, run
from libs.common.settings import ServiceSettings
from services.campaign.app import broadcasts, compose
from services.campaign.campaigns import course
from services.campaign.campaigns import handlers as campaigns
from services.campaign.company import handlers as company
from services.campaign.dryruns import handlers as dry_runs
from services.campaign.dryruns import loop as dry_runs_loop
from services.campaign.freezing import handlers as freezing
from services.campaign.freezing import loop as freezing_loop
from services.campaign.recipients import handlers as recipients
from services.campaign.recipients import loop as recipients_loop
from services.campaign.replies import handlers as replies
from services.campaign.reports import handlers as reports
from services.campaign.reports import loop as reports_loop
from services.campaign.schedules import loop as schedules_loop
from services.campaign.watching import loop as watching_loop

SERVICE = Service(
    name="campaign",
    settings=ServiceSettings,
    compose=compose,
    broadcasts=broadcasts,
    commands={
        CreateCampaign: user(SEND)(each(campaigns.create)),
        LinkList: user(SEND)(each(campaigns.link_list)),
        UnlinkList: user(SEND)(each(campaigns.unlink_list)),
        LaunchCampaign: user(SEND)(each(campaigns.launch)),
        PauseCampaign: user(SEND)(course.apart(course.pause)),
        ResumeCampaign: user(SEND)(each(course.resume)),
        StopCampaign: user(SEND)(course.apart(course.stop)),
        ExtendCampaign: user(SEND)(each(course.extend)),
        BeginDryRun: user(SEND)(each(dry_runs.begin)),
    },
    queries={
        ListCampaigns: user()(each_read(campaigns.list_)),
        ShowCampaign: user()(each_read(campaigns.show)),
        PreviewCampaign: user()(each_read(freezing.preview)),
        ReadDryRun: user()(each_read(dry_runs.read)),
        ReadProgress: user()(each_read(reports.read_progress)),
        ReadReport: user()(each_read(reports.read_report)),
        ReadReportRows: user()(each_read(reports.read_report_rows)),
        ReadCampaignBooks: operator(each_read(reports.read_books)),
    },
    events={
        RecipientsSettled: recipients.settle,
        HeadersChanged: company.headers_changed,
        BrandsChanged: company.brands_changed,
        FoldersChanged: company.folders_changed,
        PolicyChanged: company.policy_changed,
        TextsReceived: replies.on_texts_received,
        ContactsStopped: replies.on_contacts_stopped,
    },
    loops=[
        *schedules_loop.LOOPS,
        *freezing_loop.LOOPS,
        *dry_runs_loop.LOOPS,
        *recipients_loop.LOOPS,
        *reports_loop.LOOPS,
        *watching_loop.LOOPS,
    ],
)

if __name__ == "__main__":
    run(SERVICE)
