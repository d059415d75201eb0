"""phonelist: wiring, nothing else. What it answers, hears and does by itself, readable without running it."""

from __future__ import annotations

from libs.common.bus import Commands, Events, Queries, each, each_read, only, operator, user
from libs.common.contracts.auth import FoldersChanged
from libs.common.contracts.inbound import MembershipsWanted
from libs.common.contracts.phonelist import (
    AddEntries,
    AddRows,
    BeginImport,
    CreateList,
    FindIncomplete,
    FinishImport,
    MergeLists,
    PinList,
    ReadBadRows,
    ReadEntries,
    ReadEntry,
    ReadLists,
    ReadNeighbour,
    ReadNumbers,
    ReadPhonelistBooks,
    ReadRecipient,
    ReadRecipients,
    ReadValues,
    RemoveEntry,
    ShowList,
    SubtractList,
)
from libs.common.service import Service, run
from libs.common.settings import ServiceSettings
from services.phonelist import books
from services.phonelist.imports import handlers as imports
from services.phonelist.imports import loop
from services.phonelist.lists import handlers as lists
from services.phonelist.lists import store as lists_store
from services.phonelist.memberships import handlers as memberships

COMMANDS: Commands = {
    CreateList: user()(each(lists.create)),
    AddEntries: user()(each(lists.add_entries)),
    RemoveEntry: user()(each(lists.remove_entry)),
    BeginImport: user()(each(imports.begin)),
    AddRows: user()(each(imports.add_rows)),
    FinishImport: user()(each(imports.finish)),
    MergeLists: user()(each(lists.merge)),
    SubtractList: user()(each(lists.subtract)),
}
QUERIES: Queries = {
    ReadNumbers: user()(each_read(lists.read_numbers)),
    ReadValues: user()(each_read(lists.read_values)),
    ReadEntries: user()(each_read(lists.read_entries)),
    ReadEntry: user()(each_read(lists.read_entry)),
    ReadNeighbour: user()(each_read(lists.read_neighbour)),
    ReadLists: user()(each_read(lists.read_lists)),
    ShowList: user()(each_read(lists.show)),
    ReadBadRows: user()(each_read(imports.read_bad_rows)),
    ReadRecipients: only("campaign")(each_read(lists.read_recipients)),
    ReadRecipient: only("campaign")(each_read(lists.read_recipient)),
    FindIncomplete: only("campaign")(each_read(lists.find_incomplete)),
    PinList: only("campaign")(each_read(lists.pin)),
    ReadPhonelistBooks: operator(each_read(books.read)),
}
EVENTS: Events = {FoldersChanged: lists_store.apply_folders, MembershipsWanted: memberships.wanted}
LOOPS = [loop.sweep]

SERVICE = Service(
    name="phonelist", settings=ServiceSettings, commands=COMMANDS, queries=QUERIES, events=EVENTS, loops=LOOPS
)

if __name__ == "__main__":
    run(SERVICE)
