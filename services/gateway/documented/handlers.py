"""What each documented operation does: one table from its name to the function that asks the services for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from services.gateway.documented import campaigns, company, messages, phonelists, security, status, test, textins, users
from services.gateway.documented.call import Call

Handler = Callable[[Call], Awaitable[object]]

HANDLERS: Mapping[str, Handler] = {
    "Login": security.login,
    "RequestReusableToken": security.request_reusable_token,
    "LoginWithReusableToken": security.login_with_reusable_token,
    "VerifyReusableToken": security.verify_reusable_token,
    "Logout": security.logout,
    "GetHeaders": company.get_headers,
    "GetBrands": company.get_brands,
    "GetFolders": users.get_folders,
    "GetFoldersBasic": users.get_folders,
    "GetCurrentUserInfo": users.get_current_user_info,
    "SendInstantMessage": messages.send_instant_message,
    "SendTwoFactorToken": messages.send_two_factor_token,
    "GetAllInboundMessages": messages.get_all_inbound_messages,
    "GetInboundMessagesFromDate": messages.get_inbound_messages_from_date,
    "GetInboundMessages": messages.get_inbound_messages,
    "GetConversation": messages.get_conversation,
    "GetAllTextIns": textins.get_all_text_ins,
    "GetTextInsFromDate": textins.get_text_ins_from_date,
    "GetTextIns": textins.get_text_ins,
    "GetContacts": textins.get_contacts,
    "GetAllStops": status.get_all_stops,
    "GetStopsFromDate": status.get_stops_from_date,
    "GetStops": status.get_stops,
    "GetAllReinstates": status.get_all_reinstates,
    "GetReinstatesFromDate": status.get_reinstates_from_date,
    "GetReinstates": status.get_reinstates,
    "getrecentfails": status.get_recent_fails,
    "CreateList": phonelists.create_list,
    "AddSingleEntry": phonelists.add_single_entry,
    "AddMultipleEntries": phonelists.add_multiple_entries,
    "GetLists": phonelists.get_lists,
    "GetList": phonelists.get_list,
    "GetNumbers": phonelists.get_numbers,
    "GetNumberDetail": phonelists.get_number_detail,
    "GetPreviousNumber": phonelists.get_previous_number,
    "GetNextNumber": phonelists.get_next_number,
    "Test": test.test,
    "Foo": test.foo,
    "CreateCampaign": campaigns.create_campaign,
    "LinkCampaignAndPhonelist": campaigns.link_campaign_and_phonelist,
    "UnlinkCampaignAndPhonelist": campaigns.unlink_campaign_and_phonelist,
    "LaunchCampaign": campaigns.launch_campaign,
    "StopCampaign": campaigns.stop_campaign,
}
