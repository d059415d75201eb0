"""/v2/templates: words to send again, with {{names}} in them for what differs."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from libs.common.contracts import messaging
from libs.common.contracts.base import Code
from libs.common.contracts.messaging import (
    CreateTemplate,
    ListTemplates,
    RemoveTemplate,
    ReplaceTemplate,
    ShowTemplate,
    TemplateId,
)
from services.gateway.api.call import Reading, Writing
from services.gateway.api.inputs import Body, Key
from services.gateway.api.limits import SmallBody
from services.gateway.api.pages import Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/templates", tags=["templates"], route_class=SmallBody)


class NewTemplate(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "delivery", "text": "Hello {{name}}, your parcel comes {{day}}."}}
    )

    name: str = Field(min_length=1, max_length=100)
    text: str


class Template(BaseModel):
    """`fields`: the names that need a value, in the order they appear."""

    id: int
    name: str
    text: str
    fields: list[str]


def _template(template: messaging.Template) -> Template:
    return Template(id=template.id, name=template.name, text=template.body, fields=template.fields)


WRITING_CODES = (Code.PERMISSION_DENIED, Code.TEXT_EMPTY, Code.TEXT_TOO_LONG, Code.DUPLICATE)


@router.post("", status_code=201, responses=refuses(*WRITING_CODES, Code.LIMIT_REACHED))
async def create_template(call: Writing, new: NewTemplate) -> TemplateId:
    """`{{name}}` in its text is replaced by the value of that name when it is sent."""
    return await call.ask(CreateTemplate(name=new.name, body=new.text))


@router.get("", responses=refuses())
async def list_templates(call: Reading) -> Page[Template]:
    """All of the company's, by id."""
    return page([_template(template) for template in (await call.ask(ListTemplates())).items])


@router.get("/{template_id}", responses=refuses(Code.NOT_FOUND))
async def show_template(call: Reading, template_id: Key) -> Template:
    """One template."""
    return _template(await call.ask(ShowTemplate(id=template_id)))


@router.put("/{template_id}", status_code=204, responses=refuses(*WRITING_CODES, Code.NOT_FOUND))
async def replace_template(call: Writing, template_id: Key, new: NewTemplate) -> None:
    """What was sent with it before stays as it was sent."""
    await call.ask(ReplaceTemplate(id=template_id, name=new.name, body=new.text))


@router.delete("/{template_id}", status_code=204, responses=refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND))
async def remove_template(call: Reading, template_id: Key) -> None:
    """What was sent with it stays as it was sent."""
    await call.ask(RemoveTemplate(id=template_id))
