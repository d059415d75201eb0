"""What each documented operation does: one table from its name to the function that asks the services for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from services.gateway.documented import campaigns, company, messages, phonelists, security, status, users
from services.gateway.documented.call import Call

Handler = Callable[[Call], Awaitable[object]]

HANDLERS: Mapping[str, Handler] = {
    "Login": security.login,
    "Logout": security.logout,
    "GetHeaders": company.get_headers,
    "GetCurrentUserInfo": users.get_current_user_info,
    "SendInstantMessage": messages.send_instant_message,
    "SendTwoFactorToken": messages.send_two_factor_token,
    "GetAllInboundMessages": messages.get_all_inbound_messages,
    "GetInboundMessagesFromDate": messages.get_inbound_messages_from_date,
    "GetInboundMessages": messages.get_inbound_messages,
    "GetConversation": messages.get_conversation,
    "GetAllStops": status.get_all_stops,
    "GetStopsFromDate": status.get_stops_from_date,
    "GetStops": status.get_stops,
    "GetAllReinstates": status.get_all_reinstates,
    "GetReinstatesFromDate": status.get_reinstates_from_date,
    "GetReinstates": status.get_reinstates,
    "CreateList": phonelists.create_list,
    "AddSingleEntry": phonelists.add_single_entry,
    "AddMultipleEntries": phonelists.add_multiple_entries,
    "GetNumbers": phonelists.get_numbers,
    "CreateCampaign": campaigns.create_campaign,
    "LinkCampaignAndPhonelist": campaigns.link_campaign_and_phonelist,
    "UnlinkCampaignAndPhonelist": campaigns.unlink_campaign_and_phonelist,
    "LaunchCampaign": campaigns.launch_campaign,
    "StopCampaign": campaigns.stop_campaign,
}
