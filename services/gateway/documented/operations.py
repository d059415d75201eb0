"""Operations: the one table of all 46. Routing, parsing, answering, help pages and tests follow from it.

Owns method, path, shapes, permission and size limit of each. Descriptions are the documentation's, spelling included.
Never says how an operation is done: the handlers do, by `name`.
"""

from __future__ import annotations

from libs.common.contracts.auth import SEND
from services.gateway.documented import models
from services.gateway.documented.models import INTEGER, STRING
from services.gateway.documented.operation import Answer, Operation
from services.gateway.documented.shapes import ListOf, Type, api_return, status_string
from services.gateway.documented.statuses import (
    CAMPAIGN_STATUS,
    LOGON_STATUS,
    PHONE_LIST_STATUS,
    REQUEST_STATUS,
    REUSABLE_TOKEN_RESULT,
    SEND_MESSAGE_STATUS,
    StatusSet,
)

IMPORT_BODY_BYTES_MAX = 64 * 1024 * 1024  # about 150,000 entries with all 17 fields, in XML


def _returns(statuses: StatusSet, result: Type, doc: str = "") -> Answer:
    return Answer(api_return(statuses, result), result, statuses, doc)


def _logon_result() -> Answer:
    doc = "Status code and user details if appropriate"
    return Answer(models.LOGON_RESULT, models.LOGON_RESULT, LOGON_STATUS, doc)


def _reusable_token() -> Answer:
    doc = "Status code and reusable token if appropriate"
    return Answer(status_string(REUSABLE_TOKEN_RESULT), STRING, REUSABLE_TOKEN_RESULT, doc)


def _texts(doc: str = "") -> Answer:
    return _returns(REQUEST_STATUS, ListOf(models.MESSAGE_INFORMATION), doc)


def _text_ins() -> Answer:
    return _returns(REQUEST_STATUS, ListOf(models.TEXT_IN_INFORMATION))


def _strings(doc: str = "") -> Answer:
    return _returns(REQUEST_STATUS, ListOf(STRING), doc)


def _numbers() -> Answer:
    return _strings("A status code and list of phone numbers")


TOKEN_DOC = "The reusable token of the user logging in"  # noqa: S105 a sentence, not a token
SEND_DOC = "The message to send and the number to send it to"

SECURITY = (
    Operation(
        "Security",
        "POST api/Security/Login",
        "Creates a new session token for the specified user",
        _logon_result(),
        body=models.LOGON_REQUEST,
        body_doc="The username and password of the user logging in",
    ),
    Operation(
        "Security",
        "GET api/Security/RequestReusableToken/{SessionToken}",
        "Requests a reusable token to allow the user to log in on in the future with that token "
        "and not their username and password",
        _reusable_token(),
    ),
    Operation(
        "Security",
        "POST api/Security/LoginWithReusableToken",
        "Creates a new session token based off of the reusable token",
        _logon_result(),
        body=models.REUSABLE_TOKEN,
        body_doc=TOKEN_DOC,
    ),
    Operation(
        "Security",
        "POST api/Security/VerifyReusableToken",
        "Checks a reusable token without creating a new session",
        _logon_result(),
        body=models.REUSABLE_TOKEN,
        body_doc=TOKEN_DOC,
    ),
    Operation(
        "Security",
        "GET api/Security/Logout/{SessionToken}",
        "Marks a session token as expired and ends the user's session",
        _returns(REQUEST_STATUS, STRING),
    ),
    Operation(
        "Security",
        "DELETE api/Security/Logout/{SessionToken}",
        "Marks a session token as expired and ends the user's session",
        _returns(REQUEST_STATUS, STRING),
    ),
)

COMPANY = (
    Operation(
        "Company",
        "GET api/Company/GetHeaders/{SessionToken}",
        "Gets a list of active headers (From numbers) for the current user's company",
        _strings(),
    ),
    Operation(
        "Company",
        "GET api/Company/GetBrands/{SessionToken}",
        "Gets a list of brands for the current user's company",
        _strings(),
    ),
)

USER = (
    Operation(
        "User",
        "GET api/Users/GetFolders/{SessionToken}",
        "Gets a list of folders for the current user",
        _returns(REQUEST_STATUS, ListOf(models.FOLDER)),
    ),
    Operation(
        "User",
        "GET api/Users/GetFoldersBasic/{SessionToken}",
        "Gets a list of folders for the current user",
        _returns(REQUEST_STATUS, ListOf(models.FOLDER_BASIC)),
    ),
    Operation(
        "User",
        "GET api/Users/GetCurrentUserInfo/{SessionToken}",
        "Gets the details of the current user",
        _returns(REQUEST_STATUS, models.USER_INFORMATION),
    ),
)

MESSAGE = (
    Operation(
        "Message",
        "POST api/Messages/SendInstantMessage",
        "Sends an instant message to the specified phone number. User must have Send Message permissions.",
        _returns(SEND_MESSAGE_STATUS, STRING, "A status code and empty string"),
        body=models.SEND_INSTANT_MESSAGE_REQUEST,
        body_doc=SEND_DOC,
        permission=SEND,
    ),
    Operation(
        "Message",
        "GET api/Messages/GetAllInboundMessages/{SessionToken}",
        "Gets a list of inbound messages associated with the user's company",
        _texts(),
    ),
    Operation(
        "Message",
        "GET api/Messages/GetInboundMessagesFromDate/{SessionToken}?DateFrom={DateFrom}",
        "Gets a list of inbound messages associated with the user's company since the specified date",
        _texts(),
    ),
    Operation(
        "Message",
        "GET api/Messages/GetInboundMessages/{SessionToken}",
        "Gets a list of inbound messages associated with the user's company since midnight the preceeding day",
        _texts(),
    ),
    Operation(
        "Message",
        "GET api/Messages/GetConversation/{SessionToken}/{PhoneNumber}",
        "Gets a conversation view of a number associated with the user's conversation",
        _texts("A status code and list of phone numbers"),  # sic: they are messages
    ),
    Operation(
        "Message",
        "POST api/Messages/SendTwoFactorToken",
        "Sends an instant message to the specified phone number and generates a two factor authentication code. "
        "User must have Send Message permissions.",
        _returns(SEND_MESSAGE_STATUS, STRING, "A status code and two factor token generated"),
        body=models.TWO_FACTOR_TOKEN_REQUEST,
        body_doc=SEND_DOC,
        permission=SEND,
    ),
)

TEXT_IN = (
    Operation(
        "TextIn",
        "GET api/TextIn/GetAllTextIns/{SessionToken}",
        "Gets a list of phone numbers associated with the user's company that have texted in",
        _text_ins(),
    ),
    Operation(
        "TextIn",
        "GET api/TextIn/GetTextInsFromDate/{SessionToken}?DateFrom={DateFrom}",
        "Gets a list of phone numbers associated with the user's company that have texted in since the specified DATe",
        _text_ins(),
    ),
    Operation(
        "TextIn",
        "GET api/TextIn/GetTextIns/{SessionToken}",
        "Gets a list of phone numbers associated with the user's company that have texted in "
        "since midnight the preceeding day",
        _text_ins(),
    ),
    Operation(
        "TextIn",
        "GET api/TextIn/GetContacts/{SessionToken}/{TextInID}?DateFrom={DateFrom}&DateTo={DateTo}",
        "Retrieves a list of contacts who texted in with the specified Text-In between the two times defined. "
        "Time difference is limited to one week",
        _returns(REQUEST_STATUS, ListOf(models.CONTACT)),
    ),
)

STATUS = (
    Operation(
        "Status",
        "GET api/Status/GetAllStops/{SessionToken}",
        "Gets a list of phone numbers associated with the user's company that have texted STOP",
        _numbers(),
    ),
    Operation(
        "Status",
        "GET api/Status/GetStopsFromDate/{SessionToken}?DateFrom={DateFrom}",
        "Gets a list of phone numbers associated with the user's company that have texted STOP "
        "since the specified date",
        _numbers(),
    ),
    Operation(
        "Status",
        "GET api/Status/GetStops/{SessionToken}",
        "Gets a list of phone numbers associated with the user's company that have texted STOP "
        "since midnight the preceeding day",
        _numbers(),
    ),
    Operation(
        "Status",
        "GET api/Status/GetAllReinstates/{SessionToken}",
        "Gets a list of phone numbers associated with the user's company that have texted START",
        _numbers(),
    ),
    Operation(
        "Status",
        "GET api/Status/GetReinstatesFromDate/{SessionToken}?DateFrom={DateFrom}",
        "Gets a list of phone numbers associated with the user's company that have texted START "
        "since the specified date",
        _numbers(),
    ),
    Operation(
        "Status",
        "GET api/Status/GetReinstates/{SessionToken}",
        "Gets a list of phone numbers associated with the user's company that have texted START "
        "since midnight the preceeding day",
        _numbers(),
    ),
    Operation(
        "Status",
        "GET api/status/getrecentfails/{SessionToken}?DateFrom={DateFrom}",
        "Gets failed numbers from recent campaigns where they have failed at least 3 times.",
        _numbers(),
    ),
)

PHONE_LIST = (
    Operation(
        "PhoneList",
        "POST api/Phonelists/CreateList",
        "Creates a blank phone list",
        _returns(PHONE_LIST_STATUS, INTEGER),
        body=models.CREATE_LIST_REQUEST,
    ),
    Operation(
        "PhoneList",
        "POST api/Phonelists/AddSingleEntry",
        "Adds an entry to a phone list",
        _returns(PHONE_LIST_STATUS, STRING),
        body=models.SINGLE_PHONE_LIST_ENTRY,
        tells_why=True,
    ),
    Operation(
        "PhoneList",
        "POST api/Phonelists/AddMultipleEntries",
        "Adds multiple entries to a phone list",
        _returns(PHONE_LIST_STATUS, STRING),
        body=models.MULTIPLE_PHONE_LIST_ENTRY,
        body_doc="List of entries to be added",
        body_bytes_max=IMPORT_BODY_BYTES_MAX,
        tells_why=True,
    ),
    Operation(
        "PhoneList",
        "GET api/Phonelists/GetLists/{SessionToken}/{Folder}",
        "Returns the phone lists in the specified folder. If no folder is specified, "
        "returns phone lists in the user's root folder.",
        _returns(REQUEST_STATUS, ListOf(models.PHONE_LIST)),
    ),
    Operation(
        "PhoneList",
        "GET api/Phonelists/GetLists/{SessionToken}?Folder={Folder}",
        "Returns the phone lists in the specified folder. If no folder is specified, "
        "returns phone lists in the user's root folder.",
        _returns(REQUEST_STATUS, ListOf(models.PHONE_LIST)),
    ),
    Operation(
        "PhoneList",
        "GET api/Phonelists/GetList/{SessionToken}/{List}",
        "Returns information on the phone list",
        _returns(REQUEST_STATUS, models.PHONE_LIST),
    ),
    Operation(
        "PhoneList",
        "GET api/Phonelists/GetNumbers/{SessionToken}/{List}",
        "Returns a list of numbers in the phone list",
        _strings(),
    ),
    Operation(
        "PhoneList",
        "GET api/Phonelists/GetNumberDetail/{SessionToken}/{List}/{PhoneNumber}",
        "Returns details of a number in the phone list",
        _returns(REQUEST_STATUS, models.PHONE_LIST_ENTRY),
    ),
    Operation(
        "PhoneList",
        "GET api/Phonelists/GetPreviousNumber/{SessionToken}/{List}/{PhoneNumber}",
        "Returns the previous number in the phone list",
        _returns(REQUEST_STATUS, STRING),
    ),
    Operation(
        "PhoneList",
        "GET api/Phonelists/GetNextNumber/{SessionToken}/{List}/{PhoneNumber}",
        "Returns the next number in the phone list",
        _returns(REQUEST_STATUS, STRING),
    ),
)

TEST = (
    Operation(
        "Test",
        "GET api/Test/{SessionToken}",
        "Returns a simple string and exposes all possible return types",
        Answer(STRING, STRING, REQUEST_STATUS),  # a refusal is the status by its name
    ),
    Operation("Test", "GET api/Foo?Bar={Bar}", "Does nothing", Answer()),
    Operation("Test", "POST api/Foo?Bar={Bar}", "Does nothing", Answer()),
)

CAMPAIGN = (
    Operation(
        "Campaign",
        "POST api/Campaigns/CreateCampaign",
        "Creates a new campaign",
        _returns(CAMPAIGN_STATUS, INTEGER, "The ID of the new campaign"),
        body=models.CREATE_CAMPAIGN_REQUEST,
        body_doc="Details of the new campaign",
        permission=SEND,
    ),
    Operation(
        "Campaign",
        "POST api/Campaigns/LinkCampaignAndPhonelist",
        "Links a campaign and phonelist",
        _returns(CAMPAIGN_STATUS, STRING),
        body=models.LINK_CAMPAIGN_AND_PHONELIST_REQUEST,
        permission=SEND,
    ),
    Operation(
        "Campaign",
        "DELETE api/Campaigns/UnlinkCampaignAndPhonelist",
        "Unlinks a campaign and phonelist",
        _returns(CAMPAIGN_STATUS, STRING),
        body=models.LINK_CAMPAIGN_AND_PHONELIST_REQUEST,
        permission=SEND,
    ),
    Operation(
        "Campaign",
        "POST api/Campaigns/LaunchCampaign",
        "Sets the campaign to launch",
        _returns(CAMPAIGN_STATUS, STRING),
        body=models.CAMPAIGN_REQUEST,
        permission=SEND,
    ),
    Operation(
        "Campaign",
        "POST api/Campaigns/StopCampaign",
        "Sets the campaign to not launch",
        _returns(CAMPAIGN_STATUS, STRING),
        body=models.CAMPAIGN_REQUEST,
        permission=SEND,
    ),
)

OPERATIONS = SECURITY + COMPANY + USER + MESSAGE + TEXT_IN + STATUS + PHONE_LIST + TEST + CAMPAIGN
