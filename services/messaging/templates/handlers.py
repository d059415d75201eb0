"""Templates: a company's words to send again. Whoever may send may change them; every user of the company reads them.

What was sent with one is in the ledger as it was sent: a change or a removal changes no text, nor one that is scheduled.
"""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.messaging import (
    TEMPLATES_MAX,
    CreateTemplate,
    ListTemplates,
    RemoveTemplate,
    ReplaceTemplate,
    ShowTemplate,
    Template,
    TemplateId,
    Templates,
)
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.messaging.templates import rules, store

NO_TEMPLATE = "the company has no such template"


async def create(tx: Tx, ask: Asked[CreateTemplate]) -> TemplateId:
    name, body = rules.name(ask.body.name), rules.body(ask.body.body)
    await store.lock(tx, ask.caller.company_id)
    if await store.count(tx, ask.caller.company_id) >= TEMPLATES_MAX:
        raise Refusal(Code.LIMIT_REACHED, f"a company has {TEMPLATES_MAX} templates at most")
    id_ = await store.insert(tx, ask.caller.company_id, name, rules.name_key(name), body)
    if id_ is None:
        raise Refusal(Code.DUPLICATE, "the company has a template of this name")
    return TemplateId(id=id_)


async def replace(tx: Tx, ask: Asked[ReplaceTemplate]) -> Done:
    id_, company_id = ask.body.id, ask.caller.company_id
    name, body = rules.name(ask.body.name), rules.body(ask.body.body)
    await store.lock(tx, company_id)
    if not await store.replace_if_name_is_free(tx, company_id, id_, name, rules.name_key(name), body):
        if await store.one(tx, company_id, id_) is None:
            raise Refusal(Code.NOT_FOUND, NO_TEMPLATE)
        raise Refusal(Code.DUPLICATE, "the company has another template of this name")
    return Done()


async def remove(tx: Tx, ask: Asked[RemoveTemplate]) -> Done:
    if not await store.remove(tx, ask.caller.company_id, ask.body.id):
        raise Refusal(Code.NOT_FOUND, NO_TEMPLATE)
    return Done()


async def list_(tx: Tx, ask: Asked[ListTemplates]) -> Templates:
    return Templates(items=[_template(row) for row in await store.of_company(tx, ask.caller.company_id)])


async def show(tx: Tx, ask: Asked[ShowTemplate]) -> Template:
    row = await store.one(tx, ask.caller.company_id, ask.body.id)
    if row is None:
        raise Refusal(Code.NOT_FOUND, NO_TEMPLATE)
    return _template(row)


def _template(row: Record) -> Template:
    return Template(id=row["id"], name=row["name"], body=row["body"], fields=rules.fields(row["body"]))
