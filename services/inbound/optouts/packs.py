"""The words of wishes, as data, each list with its source; a country is one more pack.

Every pack is obeyed, whatever country a number is of: nobody is kept on a list for having written in another language. All entries are in the normal
form of words.py (small letters, no punctuation: "don't" is "don t"). What the lists mean is decided in rules.py; a company's own words are in its policy.
"""

from __future__ import annotations

from dataclasses import dataclass

_STOP = "stop stopp stoppp st0p"
_VERBS = "texting txting txtin textin messaging msging sending sendin contacting spamming spam spammin sms smsing"
_NOUNS = "text texts txt txts msg msgs message messages sms smses spam marketing promo promos promotions offers ads adverts alerts updates notifications"
_CONTACT = "text txt message msg contact sms"


def _set(*words: str) -> frozenset[str]:
    return frozenset(word for line in words for word in line.split())


@dataclass(frozen=True)
class Pack:
    """`stop`: STOP, and what is never anything else: no keyword may be such a word. `stop_all`: the whole company, whatever its policy.

    `yielding`: STOP when it stands alone and no active text-in has it as its keyword. `start`, `help`: alone in the text.
    `courtesy`, `all`, `messages`, `glue`: what may follow a leading STOP; glue only beside a word of the others, for "stop me" is no clear wish.
    `instructions`: what people copy before it ("text STOP to 82830"). `phrases`: anywhere in a text, a likely wish that a person must read.
    `misspelt`: alone, likewise. `ordinary`: with these after it STOP is plain talk ("stop knowing me so well"), if `contact` is not in the text.
    """

    country: str
    sources: str
    stop: frozenset[str]
    stop_all: frozenset[str]
    yielding: frozenset[str]
    start: frozenset[str]
    help: frozenset[str]
    courtesy: frozenset[str]
    all: frozenset[str]
    messages: frozenset[str]
    glue: frozenset[str]
    instructions: frozenset[str]
    phrases: tuple[str, ...]
    misspelt: frozenset[str]
    ordinary: frozenset[str]
    contact: frozenset[str]


UK = Pack(
    country="GB",
    sources="STOP and STOP ALL: PhonepayPlus (numbers), MDA matrix 2004. Users' errors that must be caught (STOPP, STOP., 'STOP'): Vodafone Code 1.9, 10.2. "
    "UNSUBSCRIBE, END, QUIT, CANCEL, REVOKE, OPTOUT, REMOVE: Twilio Advanced Opt-Out, Telnyx, AWS End User Messaging; the same words in 47 CFR 64.1200(a)(10). "
    "START, UNSTOP: Telnyx, AWS. HELP, INFO: CTIA Messaging Principles. YES is no START: it answers a question that we do not know. "
    "Leading STOP: MDA ('STOP <service>'). Phrases and what may follow: ours, tried on the SMS Spam Collection (Almeida, Gómez Hidalgo; CC BY 4.0).",
    stop=_set(_STOP, "unsubscribe unsubscribed unsub optout") | {"opt out"},
    stop_all=_set("stopall") | {"stop all"},
    yielding=_set("end quit cancel revoke remove"),
    start=_set("start unstop"),
    help=_set("help info"),
    courtesy=_set(
        _STOP,
        "please pls plz plse pleas thanks thank thankyou thx thnx tnx ta cheers mate mates ty x xx xxx sorry ok okay now asap immediately",
        "today sir madam guys kindly end quit cancel unsubscribe optout",
    )
    | {"thank you", "right now", "opt out"},
    all=_set("all"),
    messages=_set(_NOUNS, _VERBS),
    glue=_set("me us my this these those the to from of on number phone mobile any more further your you ur u and it"),
    instructions=_set("text txt send reply sms"),
    phrases=(
        *(f"stop {verb}" for verb in _VERBS.split()),
        *(f"stop {ours}{noun}" for noun in _NOUNS.split() for ours in ("these ", "the ", "your ", "all ", "all your ", "all these ", "")),
        *(f"please {stop}" for stop in ("stop", "unsubscribe", "remove", "opt")),
        *(f"{please} stop" for please in ("pls", "plz", "kindly")),
        *(f"{no} {verb} {whom}" for no in ("don t", "dont", "do not", "never", "not") for verb in _CONTACT.split() for whom in ("me", "us", "this", "my")),
        *(f"no more {noun}" for noun in _NOUNS.split()),
        *(f"{verb} {whom}" for verb in ("remove", "delete") for whom in ("me", "my number", "this number", "my details", "us off")),
        "unsubscribe", "opt out", "opt me out", "optout", "opting out", "wrong number", "wrong person", "leave me alone", "lose my number",
        "take me off", "take us off", "take my number off", "off your list", "off the list", "off this list", "off ur list",
        "no longer wish to receive", "do not wish to receive", "don t want these", "don t want your texts", "dont want these",
    ),
    misspelt=_set("stpo sotp tsop stp sto dtop stopo sstop stopt stope stops stopit stiop syop stoop topp"),
    ordinary=_set(
        "knowing being wondering laughing thinking worrying crying going doing trying working looking talking playing moving eating drinking smoking",
        "singing sleeping saying making feeling dreaming missing loving hating complaining moaning lying acting waiting whining kidding joking teasing",
        "apologising apologizing overthinking stressing panicking fighting arguing flirting blushing smiling watching reading running driving by off",
    ),
    contact=_set(_NOUNS, _VERBS, "phone mobile number list calling callin ringing emailing unsubscribe bothering harassing alone"),
)  # fmt: skip

PACKS = (UK,)
