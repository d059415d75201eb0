"""The books of phonelist: how much there is, and what must never be. See `heliograph books`."""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.phonelist import PhonelistBooks, ReadPhonelistBooks
from libs.common.db import Tx
from services.phonelist.imports import store as imports
from services.phonelist.lists import store as lists


async def read(tx: Tx, _: Asked[ReadPhonelistBooks]) -> PhonelistBooks:
    faults = [*await lists.faults(tx), *await imports.faults(tx)]
    return PhonelistBooks(faults=faults, open_imports=await imports.open_count(tx), **await lists.counts(tx))
