"""deploy/rabbitmq/definitions.json against the contracts and the list of services: what one says the other must say."""

from __future__ import annotations

import json
import re
from typing import Any

from deploy.native.environment import BROKER_USERS, WITH_DATABASE
from deploy.native.rabbitmq import ADMIN, DEFINITIONS, definitions
from libs.common.contracts import auth, campaign, inbound, messaging, phonelist, usage
from libs.common.contracts.base import Event

CONTENT: dict[str, Any] = json.loads(DEFINITIONS.read_text())
TOPIC = {exchange["name"] for exchange in CONTENT["exchanges"] if exchange["type"] == "topic"}


def test_the_public_exchange_gets_the_public_events_and_no_other() -> None:
    modules = (auth, campaign, inbound, messaging, phonelist, usage)
    events = {kind for module in modules for kind in vars(module).values() if _is_event(kind)}
    bound = {binding["routing_key"] for binding in CONTENT["bindings"] if binding["destination"] == "heliograph.public"}

    assert bound == {f"{kind.type}.*" for kind in events if kind.public}


def test_every_broker_user_has_permissions_and_nobody_else_has() -> None:
    assert {permission["user"] for permission in CONTENT["permissions"]} == {ADMIN, *BROKER_USERS}


def test_every_topic_exchange_a_service_may_write_to_has_a_rule_for_its_keys() -> None:
    """Without a topic permission RabbitMQ allows every key."""
    ruled = {(rule["user"], rule["exchange"]) for rule in CONTENT["topic_permissions"]}
    writable = {
        (permission["user"], exchange)
        for permission in CONTENT["permissions"]
        for exchange in TOPIC
        if permission["user"] != ADMIN and re.match(permission["write"], exchange)
    }

    assert writable - ruled == {("console", "heliograph.return")}  # it sends any dead letter back


def test_a_service_writes_only_events_in_its_own_name() -> None:
    rules = {
        rule["user"]: rule["write"] for rule in CONTENT["topic_permissions"] if rule["exchange"] == "heliograph.events"
    }

    allowed = {
        user: {owner for owner in BROKER_USERS if re.match(rule, f"{owner}.things.done.17")}
        for user, rule in rules.items()
    }

    assert allowed == {user: {user} if user in WITH_DATABASE else set() for user in BROKER_USERS}


def test_users_are_added_with_hashed_passwords_only() -> None:
    made = definitions({ADMIN: "secret-of-admin", "auth": "secret-of-auth"})

    assert [(user["name"], user["tags"]) for user in made["users"]] == [(ADMIN, "administrator"), ("auth", "")]
    assert "secret-of" not in json.dumps(made)


def _is_event(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
