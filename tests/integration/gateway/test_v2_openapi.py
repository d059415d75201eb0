"""The OpenAPI document: valid, complete, and kept: schemathesis asks the running platform for all that it says."""

from __future__ import annotations

import asyncio
import os
import re
from typing import Any

from openapi_spec_validator import validate

from services.gateway.api.problems import HTTP_STATUSES, STATUSES
from services.gateway.documented.operations import OPERATIONS
from tests.harness import eventually
from tests.integration.gateway import fuzz
from tests.integration.gateway.test_v2 import bearer
from tests.platform import Platform

EXAMPLES = int(os.environ.get("HELIOGRAPH_FUZZ_EXAMPLES", "1"))  # of each operation, beside the edge cases
SEED = int(os.environ.get("HELIOGRAPH_FUZZ_SEED", "20260101"))


async def document(world: Platform) -> dict[str, Any]:
    read: dict[str, Any] = (await world.http.get("/openapi.json")).json()
    return read


async def test_the_document_is_openapi(world: Platform) -> None:
    validate(await document(world))


async def test_each_operation_says_what_it_is_what_it_needs_and_how_it_refuses(world: Platform) -> None:
    read = await document(world)
    operations = {
        f"{method} {path}": operation
        for path, methods in read["paths"].items()
        for method, operation in methods.items()
    }
    names = [operation["operationId"] for operation in operations.values()]
    ours = {name: operation for name, operation in operations.items() if " /v2/" in name}
    statuses = {str(code): str(status.value) for code, status in (*STATUSES.items(), *HTTP_STATUSES.items())}

    assert read["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert len(names) == len(set(names))
    assert len(ours) == 106
    assert len(operations) == 106 + len(OPERATIONS)
    for name, operation in ours.items():
        assert operation["description"], name
        assert operation.get("security") == (None if name == "post /v2/sessions" else [{"bearer": []}]), name
        assert {"400", "401", "503", "504"} <= set(operation["responses"]), name
        assert ("requestBody" in operation) == ("415" in operation["responses"]), name
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"], name
                for code in re.findall(r"`(\w+)`", answer["description"]):
                    assert statuses[code] == status, (name, code)


async def test_the_page_tells_of_every_operation_and_loads_nothing(world: Platform) -> None:
    answer = await world.http.get("/docs")

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for methods in (await document(world))["paths"].values():
        for operation in methods.values():
            assert f'<h3 id="{operation["operationId"]}">' in answer.text
    assert not re.search(r"<(script|link|img|iframe)|@import|url\(|src=|href=.https?://(?!127\.0\.0\.1)", answer.text)
    targets = set(re.findall(r'href="#([^"]+)"', answer.text))
    assert targets <= set(re.findall(r'id="([^"]+)"', answer.text))


async def test_each_example_of_a_body_is_one_that_its_operation_takes(world: Platform) -> None:
    session, read = await bearer(world), await document(world)
    tried = 0
    for path, methods in read["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {"schema": {}})
            model = read["components"]["schemas"].get(content["schema"].get("$ref", "").rpartition("/")[2], {})
            if path.startswith("/v2/") and "/admin/" not in path and "example" in model:
                id_ = (
                    "019baf40-0000-7000-8000-000000000001" if re.search("(message|verification)_id", path) else "999999"
                )
                url = re.sub(r"\{\w+\}", id_, path)
                answer = await world.http.request(method, url, headers=session, json=model["example"])
                assert answer.status_code != 400, f"{method} {path}: {answer.text}"
                tried += 1
    assert tried >= 10
    await no_policies(world)


async def test_schemathesis_finds_no_breach(world: Platform) -> None:
    found = await asyncio.to_thread(fuzz.run, await fuzz.people(world), EXAMPLES, SEED)
    await no_policies(world)

    print(found)
    assert not found.faults, "\n".join(found.faults[: fuzz.FAULTS_TOLD_MAX])
    assert len(found.cases) == sum(len(methods) for methods in (await document(world))["paths"].values())
    assert found.statuses[200] > 20, found


async def no_policies(world: Platform) -> None:
    """Takes back what a request may have set: quiet hours would hold the campaigns of the tests after this one until the morning."""
    for path in ("/v2/policy", "/v2/opt-out-policy"):
        for username in ("demo", "other"):
            answer = await world.http.put(path, headers=await bearer(world, username), json={})
            assert answer.status_code == 204, answer.text
    messaging, campaign = world.processes["messaging"], world.processes["campaign"]

    async def known() -> bool:
        assert campaign.db is not None
        async with campaign.db.reading() as tx:
            held = await tx.fetchval("SELECT count(*) FROM policies WHERE opt_out_check <> 'warn'")
        return not held and all(policy.quiet_from is None for policy in messaging.app.policies.values())

    await eventually(known)
