"""The United Kingdom, and with it Jersey, Guernsey and the Isle of Man, which share its calling code: the tables.

Each table names its source; docs/reference/uk-rules.md says what of it is law and what is networks' or our own policy. Data, no rule.
"""

from __future__ import annotations

import re
from itertools import chain

from libs.common.countries.country import Country, NumberClass, Senders

C = NumberClass

# By the kind of service: Ofcom, National Telephone Numbering Plan, part A (A1 to A4): 01 and 02 geographic, 03 UK-wide, 055 and 056, 070 personal, 071 to 075
# and 077 to 079 mobile, 076 radiopaging but for 07624, 080 free, 084 and 087 and 09 at the called one's charge.
_KINDS = {
    "+441": (C.FIXED, "GB"),
    "+442": (C.FIXED, "GB"),
    "+443": (C.FIXED, "GB"),
    "+445": (C.CORPORATE, "GB"),
    "+447": (C.MOBILE, "GB"),
    "+4470": (C.PERSONAL, "GB"),
    "+4476": (C.PAGER, "GB"),
    "+4480": (C.FREE, "GB"),
    "+4484": (C.SERVICE, "GB"),
    "+4487": (C.SERVICE, "GB"),
    "+449": (C.PREMIUM, "GB"),
}

# Crown dependencies: ranges of Google's libphonenumber metadata 9.0 for JE, GG and IM (made from Ofcom's list of numbers allocated), whole blocks. GOV.UK
# Notify charges 7781, 7839, 7911, 7509, 7797, 7937, 7700, 7829, 7624, 7524 and 7924 as international: of 7700 and 7911 only parts are, by that metadata.
_DEPENDENCIES = {
    "JE": ("7509", "7700 3", "7700 7", "7700 8", "7797", "7829", "7937"),
    "GG": ("7781", "7839", "7911 1", "7911 7"),
    "IM": ("7457 6", "7524", "7624", "7924"),
}
_DEPENDENCIES_FIXED = {"1534": "JE", "1481": "GG", "1624": "IM"}

# Ofcom, "Telephone numbers for use in TV and radio drama programmes". Those that cost somebody something (0808, 0909) are left out.
_DRAMA = (
    *("7700 900", "1632 960", "20 7946 0", "3069 990", "28 9649 6", "29 2018 0", "191 498 0"),
    *(f"{area} 496 0" for area in ("113", "114", "115", "116", "117", "118", "121", "131", "141", "151", "161")),
)


def _prefix(written: str) -> str:
    return f"+44{written.replace(' ', '')}"


RANGES = (
    _KINDS
    | {_prefix(each): (C.CROWN_DEPENDENCY, region) for region, some in _DEPENDENCIES.items() for each in some}
    | {_prefix(each): (C.FIXED, region) for each, region in _DEPENDENCIES_FIXED.items()}
    | {_prefix(each): (C.DRAMA, "GB") for each in _DRAMA}
)

UNREACHABLE = {
    C.PERSONAL: "this is a personal number (070), which gets no texts: ask for a mobile number",
    C.PAGER: "this is a pager (076), which gets no texts: ask for a mobile number",
    C.PREMIUM: "this is a premium rate number (09), which gets no texts",
}

# Generic senders that BT and EE refuse since 10 July and 31 October 2023, whole names, in whatever writing: "VERIFY", "V3RIFY", "V_ERIFY", "VERIF1Y", "Uerify"
# (textmarketer.co.uk, "Upcoming BT/EE sender restrictions from 10 July 2023"; thesmsworks.co.uk, "BT EE new regulations"; help.puzzel.com/node/3163).
_GENERIC = """
1TimePin 2FA Accept Access Account Active Admin Advise Alert Allow Allowance App Appointment Approve Approved Auth AuthMsg Authorise AuthSMS Aware Bank
Banking Bill Billing Call Card Caution Certify Check CloudOTP Code Collect Collection Confirm Contact Control Courier Delay Deliver Delivery Discount Energy
Fraud Help Info InfoSMS ISA Key Loan Login Logistics LogMeIn Logon Malware Message Mobile Mortgage MSG MsgAuth Network NoReply Notify OneTimePin Order OTP
OTPSMS Package Parcel Pay Payment Pin PinCode Post Protocol Purchase Ratify Rebate Receipt Refund Reminder Repayment Reply Respond Save Saving Savings Scam
Schedule Secure Security Service Shipping Sign Signin Signon SMS SMSAuth SMSCode SMSInfo SMSOTP SMSVerify Support System Text Trace Track Tracking Trust TXT
Update Updates Validate Verify VerifyMe VerifySMS Virus Warn Warning Winner
"""

# Names that need evidence: a starter list, ours, of those that frauds by text pretend to be most. The registry of the trade (MEF, SMS SenderID Protection
# Registry) is open to its members alone; an operator adds what is known there. Names that are also ordinary words (Three, Chase, Apple) are left to operators.
_AUTHORITIES = (
    *("HMRC", "GOV.UK", "NHS", "DVLA", "DVSA", "DWP", "Home Office", "HM Courts", "Police", "TV Licensing", "Ofcom"),
    *("Ofgem", "UK Visas", "StudentLoan", "EnvAgency", "Met Office", "ActionFraud", "BorderForce", "UKHSA"),
)
_BANKS = (
    *(
        "Barclays",
        "Barclaycard",
        "HSBC",
        "Lloyds",
        "Halifax",
        "NatWest",
        "RBS",
        "Santander",
        "Nationwide",
    ),
    *("TSB", "Monzo", "Starling", "Revolut", "FirstDirect", "Metro Bank", "Co-op Bank", "VirginMoney", "Tesco Bank"),
    *("BankOfScot", "Ulster Bank", "Danske Bank", "Clydesdale", "Amex", "Mastercard", "Visa", "PayPal", "Klarna"),
)
_OTHERS = (
    *("Royal Mail", "Post Office", "Parcelforce", "Evri", "DPD", "DHL", "UPS", "FedEx", "Yodel"),
    *(
        "Amazon",
        "Microsoft",
        "Google",
        "WhatsApp",
        "Facebook",
        "Instagram",
        "Netflix",
        "Apple ID",
        "iCloud",
        "eBay",
        "Vinted",
    ),
    *(
        "Vodafone",
        "EE",
        "O2",
        "BT",
        "Three UK",
        "giffgaff",
        "Sky UK",
        "British Gas",
        "Octopus",
        "EDF",
        "E.ON",
        "Coinbase",
        "Binance",
    ),
)

SENDERS = Senders(
    # BT and EE, as above: five digits from 6, 7 or 8.
    short_code=re.compile(r"[678][0-9]{4}"),
    short_code_form="five digits that begin with 6, 7 or 8",
    name_length_max=11,  # 3GPP TS 23.040, 9.1.2.5: an alphanumeric address is 7 octets of septets at most
    name_characters=re.compile(r"[A-Za-z0-9 .&_-]*"),  # BT and EE, as above
    name_characters_form="letters A to Z, digits, spaces and . & _ -",
    generic=frozenset(_GENERIC.split()),
    protected=frozenset(chain(_AUTHORITIES, _BANKS, _OTHERS)),
)

COUNTRY = Country("GB", "+44", "Europe/London", RANGES, UNREACHABLE, SENDERS)
