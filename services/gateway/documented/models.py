"""Models: the request and answer objects of the documented surface.

Names and fields come from the documentation's pages; where no page is known (marked placeholder) they are our own,
chosen by analogy, and `aliases` accept the likely others.
"""

from __future__ import annotations

from services.gateway.documented.shapes import WEB_API, BareString, Field, ListOf, Model, Scalar

STRING, INTEGER, BOOLEAN, DATE = Scalar.STRING, Scalar.INTEGER, Scalar.BOOLEAN, Scalar.DATE


def _strings(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, STRING, nullable=True) for name in names)


# Asked

LOGON_REQUEST = Model(
    "LogonRequest",
    (
        Field("Username", STRING, nullable=True, doc="The user that is logging in"),
        Field("Password", STRING, nullable=True, doc="The password"),
    ),
    xml_namespace=WEB_API,
)

REUSABLE_TOKEN = BareString("ReusableToken")

SEND_INSTANT_MESSAGE_REQUEST = Model(
    "SendInstantMessageRequest", _strings("SessionToken", "FromNumber", "ToNumber", "Message")
)

TWO_FACTOR_TOKEN_REQUEST = Model(
    "TwoFactorTokenRequest",
    _strings("SessionToken", "FromNumber", "ToNumber", "Message", "GenerationRule", "Token"),
)

CREATE_CAMPAIGN_REQUEST = Model(
    "CreateCampaignRequest",
    (
        *_strings("SessionToken", "Title", "Text"),
        Field("Folder", INTEGER),
        *_strings("Brand", "FromNumber"),
        Field("LaunchAt", DATE),
        Field("Lease", INTEGER),
    ),
)

CAMPAIGN_REQUEST = Model("CampaignRequest", (*_strings("SessionToken"), Field("CampaignID", INTEGER)))  # placeholder

LINK_CAMPAIGN_AND_PHONELIST_REQUEST = Model(  # placeholder
    "LinkCampaignAndPhonelistRequest",
    (
        *_strings("SessionToken"),
        Field("CampaignID", INTEGER),
        Field("ListID", INTEGER, aliases=("PhonelistID",)),
    ),
)

CREATE_LIST_REQUEST = Model(  # placeholder
    "CreateListRequest",
    (
        *_strings("SessionToken"),
        Field("Title", STRING, nullable=True, aliases=("Name",)),
        Field("Folder", INTEGER),
    ),
)

ENTRY_FIELDS = (
    *_strings("PhoneNumber", "Title", "FirstName", "Surname", "Address1", "Address2", "Address3", "City", "County"),
    *_strings("Postcode", "Gender"),
    Field("DateOfBirth", DATE, nullable=True),
    *_strings("Reference", "Email", "User1", "User2", "User3"),
)

NEW_PHONE_LIST_ENTRY = Model("NewPhoneListEntry", ENTRY_FIELDS)

SINGLE_PHONE_LIST_ENTRY = Model(  # placeholder
    "SinglePhoneListEntry",
    (
        *_strings("SessionToken"),
        Field("ListID", INTEGER),
        Field("ListEntry", NEW_PHONE_LIST_ENTRY, nullable=True),
    ),
    flat="ListEntry",
)

MULTIPLE_PHONE_LIST_ENTRY = Model(
    "MultiplePhoneListEntry",
    (
        *_strings("SessionToken"),
        Field("ListID", INTEGER),
        Field("ListEntries", ListOf(NEW_PHONE_LIST_ENTRY), nullable=True),
    ),
)

# Answered

LOGON_RESULT = Model(
    "LogonResult",
    (
        Field("Status", Scalar.STATUS_NAME, nullable=True),
        *_strings("Firstname", "Surname", "PhoneNumber", "Company", "Token"),
    ),
)

MESSAGE_INFORMATION = Model(
    "MessageInformation",
    (
        *_strings("FromNumber", "ToNumber"),
        Field("Date", DATE, nullable=True),
        *_strings("Message"),
        Field("Sent", BOOLEAN),
    ),
)

FOLDER = Model(  # placeholder
    "Folder",
    (Field("ID", INTEGER), *_strings("Name"), Field("ParentID", INTEGER, nullable=True)),
)

FOLDER_BASIC = Model("FolderBasic", (Field("ID", INTEGER), *_strings("Name")))  # placeholder

USER_INFORMATION = Model(  # placeholder
    "UserInformation", _strings("Username", "Firstname", "Surname", "PhoneNumber", "Company")
)

TEXT_IN_INFORMATION = Model(  # placeholder
    "TextInInformation",
    (Field("TextInID", INTEGER), *_strings("PhoneNumber"), Field("Date", DATE), *_strings("Message")),
)

CONTACT = Model("Contact", (*_strings("PhoneNumber"), Field("Date", DATE), *_strings("Message")))  # placeholder

PHONE_LIST = Model(  # placeholder
    "PhoneList",
    (Field("ID", INTEGER), *_strings("Title"), Field("Folder", INTEGER), Field("Count", INTEGER)),
)

PHONE_LIST_ENTRY = Model("PhoneListEntry", ENTRY_FIELDS)  # placeholder
