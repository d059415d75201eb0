"""The language of `phonelist`: lists, their entries, imports."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import ITEMS_MAX, PAGE_MAX, Command, Contract, Done, Lane, Limit, Query

Key = Annotated[
    int, Field(ge=-(2**63), lt=2**63)
]  # one that nothing has is not found; one that no row could have is no request

ENTRIES_PAGE_MAX = 1_000
VALUE_CHARACTERS_MAX = (
    1_000  # of an entry's field: longer than any address, and a page of such entries still fits into memory
)


class ListId(Contract):
    id: int


class CreateList(Command[ListId]):
    """`folder_id` 0 is the company's root. The same title twice in one folder, in whatever case, is a duplicate."""

    owner: ClassVar[str] = "phonelist"

    title: str
    folder_id: Key = 0


class Entry(Contract):
    """All 17 documented fields, kept as given but for `phone_number`, which is kept as E.164. A text of up to VALUE_CHARACTERS_MAX each, without NUL."""

    phone_number: str
    title: str | None = None
    first_name: str | None = None
    surname: str | None = None
    address1: str | None = None
    address2: str | None = None
    address3: str | None = None
    city: str | None = None
    county: str | None = None
    postcode: str | None = None
    gender: str | None = None
    date_of_birth: date | None = None
    reference: str | None = None
    email: str | None = None
    user1: str | None = None
    user2: str | None = None
    user3: str | None = None


class BadRow(Contract):
    """A row that cannot be an entry. `line`: where it stood in the client's input, from 1; `value`: its number as given, cut to 40 characters."""

    line: int
    value: str
    reason: str


class BeginImport(Command[Done]):
    """Opens import `import_id` into a list: entries wait aside until FinishImport; one that is never finished leaves nothing in the list."""

    owner: ClassVar[str] = "phonelist"
    lane: ClassVar[Lane] = Lane.BULK

    import_id: UUID
    list_id: Key


class RowsChecked(Contract):
    bad: list[BadRow]


class AddRows(Command[RowsChecked]):
    """`first_line` numbers `entries` for the report of bad rows; a repeat of the same lines replaces them."""

    owner: ClassVar[str] = "phonelist"
    lane: ClassVar[Lane] = Lane.BULK

    import_id: UUID
    first_line: int = Field(ge=1, le=1_000_000_000)
    entries: list[Entry] = Field(max_length=ITEMS_MAX)


class ImportReport(Contract):
    """`bad`: the first 100 bad rows; `bad_count`: all of them."""

    added: int
    duplicates: int
    bad_count: int
    bad: list[BadRow]


class FinishImport(Command[ImportReport]):
    """Adds the waiting entries to the list in one transaction.

    With `all_or_nothing`, refused if any row is bad, and nothing is added: with invalid_number where the first bad one has no number that is one,
    with invalid_request where another field is to blame.
    """

    owner: ClassVar[str] = "phonelist"
    lane: ClassVar[Lane] = Lane.BULK

    import_id: UUID
    all_or_nothing: bool


class AddEntries(Command[ImportReport]):
    """Up to ITEMS_MAX entries at once, all or nothing; refused for a bad one as FinishImport is."""

    owner: ClassVar[str] = "phonelist"

    list_id: Key
    entries: list[Entry] = Field(max_length=ITEMS_MAX)


class NumbersPage(Contract):
    """`last`: the key of the last row, `after` of the next page; `until`: the list's highest key when the first page was read."""

    numbers: list[str]
    last: int
    until: int
    more: bool


class ReadNumbers(Query[NumbersPage]):
    """The list's numbers in list order. Pass the first page's `until` on, so that a list that grows meanwhile does not go on for ever."""

    owner: ClassVar[str] = "phonelist"

    list_id: Key
    after: Key = 0
    until: Key | None = None
    limit: Limit = PAGE_MAX


class RecipientsPage(NumbersPage):
    """`values`: of each number, what its entry has in the fields that were asked for, dates as ISO 8601; empty where none were."""

    values: list[list[str | None]] = Field(default_factory=list)


FIELDS = tuple(name for name in Entry.model_fields)  # what a merge field may name


class ReadRecipients(Query[RecipientsPage]):
    """For the campaign service only: as ReadNumbers, of `company_id`'s list, with the values of `fields`, names out of FIELDS."""

    owner: ClassVar[str] = "phonelist"
    lane: ClassVar[Lane] = Lane.BULK

    company_id: Key
    list_id: Key
    after: Key = 0
    until: Key | None = None
    fields: list[str] = Field(default_factory=list, max_length=17)


class IncompleteEntry(Contract):
    """`row`: its place in list order, from 1."""

    row: int
    number: str
    missing: list[str]


class Incomplete(Contract):
    """`count` of all; `entries`: the first ones."""

    count: int
    entries: list[IncompleteEntry]


class FindIncomplete(Query[Incomplete]):
    """For the campaign service only: entries of the list up to key `until` that have nothing, or spaces only, in one of `fields`."""

    owner: ClassVar[str] = "phonelist"

    company_id: Key
    list_id: Key
    until: Key
    fields: list[str] = Field(min_length=1, max_length=17)
    limit: Limit = 20


class ReadRecipient(Query[RecipientsPage]):
    """For the campaign service only: as ReadRecipients, the entry of one number. Refused with not_found where the list does not hold it."""

    owner: ClassVar[str] = "phonelist"

    company_id: Key
    list_id: Key
    number: str
    fields: list[str] = Field(default_factory=list, max_length=17)


class ListVersion(Contract):
    """`until`: the list's highest key now; what is added later has higher ones."""

    until: int


class PinList(Query[ListVersion]):
    """For the campaign service only. Refused with not_found where the company has no such list."""

    owner: ClassVar[str] = "phonelist"

    company_id: Key
    list_id: Key


class ListInfo(Contract):
    id: int
    title: str
    folder_id: int
    entries: int


class ShowList(Query[ListInfo]):
    owner: ClassVar[str] = "phonelist"

    list_id: Key


LISTS_PAGE_MAX = 100  # each is counted from its rows


class ListPage(Contract):
    items: list[ListInfo]
    more: bool


class ReadLists(Query[ListPage]):
    """Lists of the caller's company by id, of one folder where one is given; `after` is the last id of the page before.

    Refused with not_found where the company has no such folder. A page has at most LISTS_PAGE_MAX, whatever the limit.
    """

    owner: ClassVar[str] = "phonelist"

    folder_id: Key | None = None
    after: Key = 0
    limit: Limit = LISTS_PAGE_MAX


class ReadEntry(Query[Entry]):
    """The entry of a number, as a client may write it. Refused with not_found where the list has none."""

    owner: ClassVar[str] = "phonelist"

    list_id: Key
    number: str


class Neighbour(Contract):
    """`number` "": there is none on that side."""

    number: str


class ReadNeighbour(Query[Neighbour]):
    """The number before or after `number` in list order. Refused with not_found where the list does not hold `number`."""

    owner: ClassVar[str] = "phonelist"

    list_id: Key
    number: str
    side: Literal["previous", "next"]


class EntriesPage(Contract):
    """As NumbersPage, with everything of each entry."""

    entries: list[Entry]
    last: int
    until: int
    more: bool


class ReadEntries(Query[EntriesPage]):
    """The list's entries in list order, whole: see ReadNumbers. A page has at most ENTRIES_PAGE_MAX, whatever the limit, and fewer of very wide ones."""

    owner: ClassVar[str] = "phonelist"

    list_id: Key
    after: Key = 0
    until: Key | None = None
    limit: Limit = ENTRIES_PAGE_MAX


class RemoveEntry(Command[Done]):
    """Takes a number out of a list. Refused with not_found where the list does not hold it."""

    owner: ClassVar[str] = "phonelist"

    list_id: Key
    number: str


class PhonelistBooks(Contract):
    faults: list[str]
    lists: int
    entries: int
    open_imports: int


class ReadPhonelistBooks(Query[PhonelistBooks]):
    owner: ClassVar[str] = "phonelist"
