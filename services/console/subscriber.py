"""heliograph subscriber: create, delete. An outside system that hears a company's public events, with a queue and a credential of its own.

Done by RabbitMQ's management interface: a broker user may only read its own queue, and nobody but an operator binds it. What is not read waits up
to QUEUE_EVENTS_MAX events; then the oldest go, so that a subscriber that is gone does not fill the disk.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from services.console import nouns
from services.console.asking import AWAY, Trouble
from services.console.settings import SubscriberSettings

if TYPE_CHECKING:
    import httpx

PUBLIC = "heliograph.public"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
QUEUE_EVENTS_MAX = 100_000  # events of up to 500 items; beside the bytes that the policy `subscribers` allows
LIMIT_S = 10

app = nouns.noun("Subscribers: outside systems that hear a company's public events.")

Name = Annotated[str, typer.Argument(help="Small letters, digits and dashes.")]


@app.command()
def create(name: Name, company: Annotated[str, typer.Option(help="Whose events: its name or its id.")]) -> None:
    """Give an outside system a queue of the company's public events; prints its URL, with a password that is shown only now."""
    queue = _queue(name)
    company_id = nouns.company(company).id
    settings = SubscriberSettings()
    password = secrets.token_urlsafe(24)
    broker = urlsplit(settings.broker_url)
    vhost = quote(broker.path.lstrip("/"), safe="")
    with _management(settings) as api:
        if _call(api, "GET", f"users/{queue}", missing_ok=True):
            raise Trouble(f"there is a subscriber {name} already; delete it first")
        arguments = {"x-queue-type": "quorum", "x-max-length": QUEUE_EVENTS_MAX, "x-overflow": "drop-head"}
        _call(api, "PUT", f"queues/{vhost}/{queue}", {"durable": True, "arguments": arguments})
        # The exchange has public events only, and the last word of a key is the company: texts received, contacts stopped and reinstated.
        _call(api, "POST", f"bindings/{vhost}/e/{PUBLIC}/q/{queue}", {"routing_key": f"inbound.#.{company_id}"})
        _call(api, "PUT", f"users/{queue}", {"password": password, "tags": ""})
        may = {"configure": "^$", "write": "^$", "read": f"^{re.escape(queue)}$"}
        _call(api, "PUT", f"permissions/{vhost}/{queue}", may)
    typer.echo(f"amqp://{queue}:{password}@{broker.hostname}:{broker.port or 5672}/{vhost}")
    typer.echo(f"queue {queue}")


@app.command()
def delete(name: Name) -> None:
    """Take the queue, with what waits in it, and the credential away."""
    queue = _queue(name)
    settings = SubscriberSettings()
    vhost = quote(urlsplit(settings.broker_url).path.lstrip("/"), safe="")
    with _management(settings) as api:
        if not _call(api, "GET", f"users/{queue}", missing_ok=True):
            raise Trouble(f"there is no subscriber {name}")
        _call(api, "DELETE", f"queues/{vhost}/{queue}", missing_ok=True)
        _call(api, "DELETE", f"users/{queue}")


def _queue(name: str) -> str:
    """What the queue and its user are called."""
    if not NAME.fullmatch(name):
        raise Trouble("a subscriber's name is up to 40 small letters, digits and dashes")
    return f"subscriber.{name}"


def _management(settings: SubscriberSettings) -> httpx.Client:
    import httpx

    return httpx.Client(base_url=f"{settings.management_url.rstrip('/')}/api/", timeout=LIMIT_S)


def _call(
    api: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None, *, missing_ok: bool = False
) -> bool:
    """Whether it was there to be done to."""
    import httpx

    try:
        answer = api.request(method, path, json=body)
    except httpx.HTTPError as error:
        raise Trouble(f"RabbitMQ's management interface does not answer: {type(error).__name__}", AWAY) from error
    if missing_ok and answer.status_code == 404:
        return False
    if answer.is_error:
        raise Trouble(f"RabbitMQ refused {method} {path}: {answer.status_code} {answer.text[:200]}")
    return True
