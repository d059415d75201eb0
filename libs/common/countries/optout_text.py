"""Whether a marketing text tells how to stop, by an address that can be used.

PECR (SI 2003/2426), reg. 23 (b): no direct marketing by electronic mail, which a text is, without a valid address to which a request that it cease can be sent.
A name cannot be answered, so that a text from one has to name a number, a short code or a web address. A plain function of the text and its sender; no I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WISH = r"(?:stop\w*|opt[\s-]?out|unsub\w*|end|quit|cancel|remove|leave)"
_VERB = r"(?:text|txt|reply|replying|respond|send|sms|msg|message|type)"
_NUMBER = r"\+?[0-9](?:[ ()-]{0,2}[0-9]){3,14}"

# How people are told: "Text STOP to 82830", "Reply with 'stop'", "2 end txt STOP 82830"; "STOP to 82830", "Stop? 82830"; "STOP to opt out";
# "Opt out: ...", "Unsubscribe at ...". A word that only stands there ("Don't STOP the music", "ONE STOP SHOP") tells nothing.
_TOLD = re.compile(
    rf"""\b{_VERB}\W+(?:(?:back|us|with|the\W+word)\W+){{0,2}}{_WISH}\b
    | \b(?<!non[ -])stop\s*(?:all\s*)?(?:\W*\b(?:to|2|at|on|via)\b)?[\s:=>?,.-]*(?:{_NUMBER})
    | \bstop\b\W+(?:to|2)\W+(?:{_WISH}|be\W+removed)\b
    | \bto\W+(?:stop|opt[\s-]?out|unsub\w*|end)\b\W+(?:\w+\W+){{0,3}}(?:call|ring|phone|go|visit|click|tap|see|e-?mail)\b
    | \bopt(?:ing)?[\s-]?outs?\b | \bunsub\w*""",
    re.IGNORECASE | re.VERBOSE,
)
_ADDRESS = re.compile(
    rf"{_NUMBER}|https?://\S+|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{{2,}}(?:/\S*)?|[\w.+-]+@[\w-]+\.[\w.-]+", re.IGNORECASE
)
_KEYWORD = re.compile(rf"\b{_WISH}\b", re.IGNORECASE)
_ALONE = re.compile(r"(?:\bopt(?:ing)?[\s-]?outs?\b|\bunsub\w*)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """`told`: the text says how to stop, and what it says can be done. `reason`: what is missing, as a sentence; '' where nothing is."""

    told: bool
    reason: str = ""


def opt_out_check(body: str, sender: str) -> Finding:
    """`sender`: a number or a short code, which can be answered, or a name, which cannot."""
    answerable = sender.strip().lstrip("+").replace(" ", "").isdecimal()
    told = list(_TOLD.finditer(body))
    if not told:
        return Finding(False, "the text does not say how to stop: end it with, say, " + _suggestion(sender, answerable))
    if any(_ADDRESS.search(body, found.start()) for found in told):
        return Finding(True)
    if not answerable:
        reason = (
            f"the text says how to stop, but {sender} cannot be answered: name a number, a short code or a web address"
        )
        return Finding(False, reason)
    if any(not _ALONE.fullmatch(found[0]) or _KEYWORD.search(body, found.end()) for found in told):
        return Finding(True)
    return Finding(
        False, "the text says that one can opt out, and not how: end it with, say, " + _suggestion(sender, True)
    )


def _suggestion(sender: str, answerable: bool) -> str:
    return f'"Text STOP to {sender}"' if answerable else '"Text STOP to" and a short code or number of yours'
