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


class Repaired(Contract):
    """A number that was not well written, as `value`, and could be read all the same. `how`: libs/common/sheets/numbers.py names the repairs."""

    line: int
    value: str
    number: str
    how: list[str]


class BeginImport(Command[Done]):
    """Opens import `import_id` into a list: entries wait aside until FinishImport; one that is never finished leaves nothing in the list."""

    owner: ClassVar[str] = "phonelist"
    lane: ClassVar[Lane] = Lane.BULK

    import_id: UUID
    list_id: Key


LINES_MAX = 2_000  # a message of an import: its rows are looked at and put aside together, as one
Line = Annotated[int, Field(ge=1, le=1_000_000_000)]


class RowsChecked(Contract):
    """How many of these lines are bad, whoever found it."""

    bad_count: int


class AddRows(Command[RowsChecked]):
    """Lines of an import: `columns` has of each of `fields`, names out of FIELDS with phone_number among them, a value for each of `lines`; dates as ISO
    8601. `lines` rise. The same piece again, from the same first to the same last line of good and bad ones, replaces what it was, which is why it need
    not be remembered; lines that came in other pieces are refused with duplicate: another file is another import.

    `bad`: lines that the reader of the file found bad; `repaired`: how often it put a number right, by what it did, and `repairs`: some of these.
    """

    remembered: ClassVar[bool] = False
    owner: ClassVar[str] = "phonelist"
    lane: ClassVar[Lane] = Lane.BULK

    import_id: UUID
    fields: list[str] = Field(min_length=1, max_length=17)
    lines: list[Line] = Field(max_length=LINES_MAX)
    columns: list[list[str | None]] = Field(min_length=1, max_length=17)
    bad: list[BadRow] = Field(default_factory=list, max_length=LINES_MAX)
    repaired: dict[str, int] = Field(default_factory=dict)
    repairs: list[Repaired] = Field(default_factory=list, max_length=100)


class ImportReport(Contract):
    """`duplicates`: numbers that were in the list already, or earlier in the import. `bad`: the first 100 bad rows; `bad_count`: all of them, which
    ReadBadRows tells. `repaired`: how often which repair was made; `repairs`: the first ones of each."""

    added: int
    duplicates: int
    bad_count: int
    bad: list[BadRow]
    repaired: dict[str, int] = Field(default_factory=dict)
    repairs: list[Repaired] = Field(default_factory=list)


class FinishImport(Command[ImportReport]):
    """Adds the waiting entries to the list in one transaction. A finished one tells its report again.

    `lines`: how many, good and bad, the client sent: refused with wrong_state where others wait.

    With `all_or_nothing`, refused if any row is bad, and nothing is added: with invalid_number where the first bad one has no number that is one,
    with invalid_request where another field is to blame. Its rows wait on, to be put right or forgotten.
    """

    owner: ClassVar[str] = "phonelist"
    lane: ClassVar[Lane] = Lane.BULK

    import_id: UUID
    all_or_nothing: bool
    lines: int | None = None


class BadRowsPage(Contract):
    rows: list[BadRow]
    more: bool


class ReadBadRows(Query[BadRowsPage]):
    """The bad rows of an import by line, open or finished; `after` is the last line of the page before. Kept for BAD_ROWS_KEPT_DAYS."""

    owner: ClassVar[str] = "phonelist"

    list_id: Key
    import_id: UUID
    after: int = Field(0, ge=0, le=1_000_000_000)
    limit: Limit = 1_000


BAD_ROWS_KEPT_DAYS = 30


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
    limit: Limit = PAGE_MAX
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


class ReadValues(Query[RecipientsPage]):
    """As ReadNumbers, with the values of `fields`, names out of FIELDS: a list as a table. A page may be short of `limit` where they are many bytes."""

    owner: ClassVar[str] = "phonelist"

    list_id: Key
    after: Key = 0
    until: Key | None = None
    fields: list[str] = Field(min_length=1, max_length=17)
    limit: Limit = PAGE_MAX


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


class MergedLists(Contract):
    """`duplicates`: numbers that the list had already, or that came twice; what it had of them stays."""

    added: int
    duplicates: int


class MergeLists(Command[MergedLists]):
    """Adds the entries of lists `from_ids`, one list after the other, to `list_id`, in one transaction; they keep theirs. Repeated, it adds what is new."""

    owner: ClassVar[str] = "phonelist"
    lane: ClassVar[Lane] = Lane.BULK

    list_id: Key
    from_ids: list[Key] = Field(min_length=1, max_length=20)


class SubtractedList(Contract):
    removed: int


class SubtractList(Command[SubtractedList]):
    """Takes every number that list `minus_id` holds out of `list_id`, in one transaction."""

    owner: ClassVar[str] = "phonelist"
    lane: ClassVar[Lane] = Lane.BULK

    list_id: Key
    minus_id: Key


class PhonelistBooks(Contract):
    faults: list[str]
    lists: int
    entries: int
    open_imports: int


class ReadPhonelistBooks(Query[PhonelistBooks]):
    owner: ClassVar[str] = "phonelist"
