"""Policies: a company's people, or the command line for them, see and set what the company decides about its own texts."""

from __future__ import annotations

from dataclasses import asdict

from libs.common.bus import Asked
from libs.common.contracts import policies
from libs.common.contracts.auth import SEND
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.policies import PolicyChanged, ReadPolicy, SetPolicy
from libs.common.db import Tx
from services.messaging.policies import rules, store


async def set_policy(tx: Tx, ask: Asked[SetPolicy]) -> Done:
    caller = ask.caller
    if caller.company_id and SEND not in caller.permissions:
        raise Refusal(Code.PERMISSION_DENIED, "whoever may send may set the policy")
    company_id = caller.company_id or ask.body.company_id
    if not company_id:
        raise Refusal(Code.INVALID_REQUEST, "whose policy? name a company")
    policy = rules.checked(rules.Policy(**ask.body.policy.model_dump()))
    revision = await store.set_policy(tx, company_id, policy)
    tx.emit(PolicyChanged(company_id=company_id, opt_out_check=policy.opt_out_check, revision=revision))
    return Done()


async def read_policy(tx: Tx, ask: Asked[ReadPolicy]) -> policies.Policy:
    return policies.Policy(**asdict(await store.policy_of(tx, ask.caller.company_id or ask.body.company_id)))
