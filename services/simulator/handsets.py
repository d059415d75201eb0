"""The handsets: what a person sees of the entries in the log, with long texts whole again.

Owns the joining of parts, and what makes a text the same as another. Plain functions of log entries: no state, no I/O.
See protocol.md, section 5.
"""

from collections.abc import Iterable
from typing import Any

from libs.common import gsm

Entry = dict[str, Any]
UCS2 = 8


def sameness(account: str, own_ref: str, sender: str, number: str, concat: int, part: int, text: str) -> int:
    """Equal for a text that was submitted twice. Only the embedded carrier's reference names a text for itself; on other
    wires the same words to the same number are the same text."""
    return hash(own_ref if account == "embedded" else (account, sender, number, concat, part, text))


def sealed_at(entry: Entry) -> float:
    """When the text's fate is, or will be, what its receipt says."""
    at: float = entry["at"]
    return at if "fate_at" not in entry else float(entry["fate_at"])


def shown(entries: Iterable[Entry], now: float) -> list[dict[str, Any]]:
    """What a handset shows of `entries`, which came in this order. A long text appears once all its parts are there."""
    seen: list[dict[str, Any]] = []
    unfinished: dict[tuple[str, int, int], dict[int, Entry]] = {}
    for entry in entries:
        if sealed_at(entry) > now:
            continue
        total = entry.get("parts", 1)
        if total == 1:
            seen.append(_message([entry], entry["text"]))
            continue
        name = entry["from"], entry["concat"], total
        parts = unfinished.setdefault(name, {})
        parts.setdefault(entry["part"], entry)  # a part that came again changes nothing
        if len(parts) == total:
            del unfinished[name]
            ordered = [parts[number] for number in sorted(parts)]
            seen.append(_message(ordered, _joined(ordered)))
    return seen


def _message(parts: list[Entry], text: str) -> dict[str, Any]:
    at = max(sealed_at(each) for each in parts)
    return {"id": parts[0]["ref"], "from": parts[0]["from"], "text": text, "at": at, "parts": len(parts)}


def _joined(parts: list[Entry]) -> str:
    """A part that was cut within a character is kept as octets: whole only with its neighbours."""
    if not any("octets" in each for each in parts):
        return "".join(each["text"] for each in parts)
    if any(each.get("coding") == UCS2 for each in parts):
        return b"".join(_octets(each, "utf-16-be") for each in parts).decode("utf-16-be", "replace")
    return gsm.decode(b"".join(_octets(each, None) for each in parts))


def _octets(entry: Entry, encoding: str | None) -> bytes:
    if "octets" in entry:
        return bytes.fromhex(entry["octets"])
    text: str = entry["text"]
    return gsm.encode(text) if encoding is None else text.encode(encoding)
