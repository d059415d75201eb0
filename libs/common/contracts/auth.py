"""The language of `auth`: sessions, people, what stands for them, folders. Its senders are in senders.py, companies as a whole in companies.py."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from libs.common.contracts.base import Broadcast, Command, Contract, Done, Event, Lane, Query

SEND = "send"  # may send texts and run campaigns: "Send Message permissions" of the documented surface
ADMINISTER = "administer"  # an operator: may provision every company
Permission = Literal["send", "administer"]

FOLDERS_MAX = 1_000  # of a company
TOKENS_MAX = 20  # reusable tokens of a user
KEYS_MAX = 50  # API keys of a user

Id = Annotated[int, Field(ge=0, le=2**63 - 1)]

# What people are shown and shout across a room: no control characters, no space around it. Unique without regard to case.
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Password = Annotated[str, StringConstraints(min_length=8, max_length=200)]


class LoggedIn(Contract):
    """`token` is the only copy there will ever be: auth keeps its SHA-256. Over at `expires_at`, or earlier where it is not used."""

    token: str
    expires_at: datetime
    firstname: str
    surname: str
    phone_number: str
    company: str


class LogIn(Command[LoggedIn]):
    """Opens a session. The same ask id gives the same token, though no copy of it is kept.

    Refused with wrong_credentials where name and password do not belong together, with limit_reached after too many of those. In the lane of what
    is slow, for a password is slow to check on purpose: a storm of logins delays no log-out.
    """

    owner: ClassVar[str] = "auth"
    lane: ClassVar[Lane] = Lane.BULK
    remembered: ClassVar[bool] = False

    username: str
    password: str


class LogInWithToken(Command[LoggedIn]):
    """Opens a session for a reusable token. Refused with wrong_credentials where there is no such token any more."""

    owner: ClassVar[str] = "auth"
    remembered: ClassVar[bool] = False

    token: str


class LogOut(Command[Done]):
    """Ends the session of `token`. Refused with session_expired where there is none, and for an API key: that is revoked, not logged out."""

    owner: ClassVar[str] = "auth"

    token: str


class Session(Contract):
    """A live session, or an API key in use: a grant to send with each ask, good until `grant_until`; ask again then."""

    grant: str
    grant_until: datetime
    company_id: int
    user_id: int
    permissions: list[str]
    test: bool = False


class ResolveSession(Query[Session]):
    """`token`: a session's or an API key. Needs no grant; counts as use of it (idle expiry)."""

    owner: ClassVar[str] = "auth"
    lane: ClassVar[Lane] = Lane.URGENT

    token: str


class User(Contract):
    id: int
    username: str
    firstname: str
    surname: str
    phone_number: str
    company: str
    permissions: list[str] = Field(default_factory=list)
    active: bool = True


class CurrentUser(Query[User]):
    owner: ClassVar[str] = "auth"


class Strings(Contract):
    items: list[str]


class Folder(Contract):
    """`parent_id` 0: it stands in the company's root, which is no folder of its own."""

    id: int
    name: str
    parent_id: int


class Folders(Contract):
    items: list[Folder]


class ReadFolders(Query[Folders]):
    """All folders of the caller's company, by id. A company has at most FOLDERS_MAX."""

    owner: ClassVar[str] = "auth"


# What stands for a user without a password: reusable tokens, which log in, and API keys, which are used as they are.


class ReusableToken(Contract):
    """`token` is the only copy there will ever be."""

    id: int
    token: str


class RequestReusableToken(Command[ReusableToken]):
    """A token that logs the caller in later, without a password: LogInWithToken. Dies with a change of the password and with the user's activity.

    Gone when nobody used it for 180 days. The same ask id gives the same token. Refused with limit_reached where the user has TOKENS_MAX of them,
    with permission_denied where the caller came with an API key, with session_expired where the user was changed since the session was resolved.
    `make_room`: instead of limit_reached, the one that was not used for longest is revoked. For the documented surface, which can revoke none.
    """

    owner: ClassVar[str] = "auth"
    remembered: ClassVar[bool] = False

    make_room: bool = False


class CheckReusableToken(Query[User]):
    """Whom a reusable token would log in; opens no session. Refused with wrong_credentials where there is no such token any more."""

    owner: ClassVar[str] = "auth"

    token: str


class ReusableTokenInfo(Contract):
    id: int
    created_at: datetime
    last_used_at: datetime | None


class ReusableTokens(Contract):
    items: list[ReusableTokenInfo]


class ListReusableTokens(Query[ReusableTokens]):
    """The caller's own, oldest first."""

    owner: ClassVar[str] = "auth"


class RevokeReusableToken(Command[Done]):
    """One of the caller's own. Ends the sessions that it opened, too."""

    owner: ClassVar[str] = "auth"

    id: Id


class ApiKey(Contract):
    """`key` is the only copy there will ever be."""

    id: int
    key: str


class CreateApiKey(Command[ApiKey]):
    """A key that may do what its user may, but never more than `permissions`; a test one sends nothing that leaves the platform.

    It outlives a change of the password, and is refused while its user is not active. The same ask id gives the same key. Refused with
    permission_denied where the caller lacks one of the permissions or itself came with a key, with duplicate where the caller has a key of that name,
    with limit_reached where there are KEYS_MAX, with session_expired where the user was changed since the session was resolved.
    """

    owner: ClassVar[str] = "auth"
    remembered: ClassVar[bool] = False

    name: Name
    permissions: list[Permission] = Field(default_factory=list)
    test: bool = False


class ApiKeyInfo(Contract):
    """`hint`: the key's first characters, to know it by."""

    id: int
    name: str
    hint: str
    permissions: list[str]
    test: bool
    created_at: datetime
    last_used_at: datetime | None


class ApiKeys(Contract):
    items: list[ApiKeyInfo]


class ListApiKeys(Query[ApiKeys]):
    """The caller's own, oldest first."""

    owner: ClassVar[str] = "auth"


class RevokeApiKey(Command[Done]):
    """One of the caller's own; good for nothing from the next second on."""

    owner: ClassVar[str] = "auth"

    id: Id


# Provisioning: by an operator (permission `administer`) or the console.


class Created(Contract):
    id: int


class CreateUser(Command[Created]):
    owner: ClassVar[str] = "auth"

    company_id: Id
    username: Name
    password: Password
    firstname: Name | Literal[""] = ""
    surname: Name | Literal[""] = ""
    phone_number: str = Field("", max_length=40)
    permissions: list[Permission] = Field(default_factory=list)


class SetPassword(Command[Done]):
    """Ends every session of the user."""

    owner: ClassVar[str] = "auth"

    user_id: Id
    password: Password


class SetPermissions(Command[Done]):
    """Ends every session of the user, so that no grant outlives the change by more than its own short life."""

    owner: ClassVar[str] = "auth"

    user_id: Id
    permissions: list[Permission]


class SetUserActive(Command[Done]):
    """One who is not active cannot log in; ends every session of the user."""

    owner: ClassVar[str] = "auth"

    user_id: Id
    active: bool


class CreateFolder(Command[Created]):
    """`parent_id` 0 is the company's root. Refused with limit_reached where the company has FOLDERS_MAX."""

    owner: ClassVar[str] = "auth"

    company_id: Id
    name: Name
    parent_id: Id = 0


# Events


class FolderChanged(Contract):
    folder_id: int
    version: int


class FoldersChanged(Event):
    """Folders that exist, for those who file things in them (phonelist, campaign)."""

    type: ClassVar[str] = "auth.folders.changed"

    items: list[FolderChanged]


class SessionsRevoked(Broadcast):
    """Tokens and keys (SHA-256, hex) that are good no more; and those that may be good still, but for something else: they have to be asked about again."""

    type: ClassVar[str] = "auth.sessions.revoked"

    token_hashes: list[str]
    changed_hashes: list[str] = Field(default_factory=list)


class Tick(Broadcast):
    """Told each second. A process that has not heard it for a few seconds may have missed a revocation: it must trust no cached session."""

    type: ClassVar[str] = "auth.tick"
