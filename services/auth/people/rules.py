"""People, the rule: who may ask for what outlives their session. No I/O."""

from __future__ import annotations

from libs.common.contracts.base import Code, Refusal
from libs.common.grants import Caller


def require_login(caller: Caller, access_version: int | None) -> None:
    """Refused where the caller came with an API key, or with a grant of before a change that ended the user's sessions.

    Such a grant may still be on its way for GRANT_S: who stole a session must not turn it into a token while its owner changes the password.
    `access_version`: the user's, locked; None where there is no such user, or one who is not active.
    """
    if caller.key:
        raise Refusal(Code.PERMISSION_DENIED, "an API key makes no keys and no reusable tokens: log in")
    if access_version != caller.access_version:
        raise Refusal(Code.SESSION_EXPIRED, "the user was changed meanwhile: log in again")
