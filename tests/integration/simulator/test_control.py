"""The control over real HTTP, and the carrier port spoken by hand: what no well-behaved client would show."""

import asyncio
import json

import httpx
import pytest

from services.simulator.wire import Frames, encode
from tests.integration.simulator.process import simulator_process, until

NUMBER = "+447700900001"


@pytest.fixture(scope="module")
async def process(tmp_path_factory):
    async with simulator_process(tmp_path_factory.mktemp("simulator"), silence_limit_s=1.0) as started:
        yield started


@pytest.fixture
async def simulator(process):
    return await process.begin_anew()


@pytest.fixture
async def mortal(tmp_path):
    """One of its own, for a test that kills it."""
    async with simulator_process(tmp_path, silence_limit_s=2.0) as started:
        yield started


class Hand:
    """A carrier session by hand. Keeps every frame it was sent."""

    def __init__(self, reader, writer):
        self.writer, self.frames, self.closed = writer, [], False
        self._reading = asyncio.create_task(self._read(reader))

    @classmethod
    async def connect(cls, simulator):
        return cls(*await asyncio.open_connection("127.0.0.1", simulator.carrier_port))

    @classmethod
    async def bound(cls, simulator, bind="hand", epoch=1):
        hand = await cls.connect(simulator)
        hand.say("hello", {"bind": bind, "epoch": epoch})
        await until(lambda: hand.heard("welcome"))
        return hand

    async def _read(self, reader):
        frames = Frames()
        try:
            while data := await reader.read(65_536):
                self.frames += frames.feed(data)
        except ConnectionError:
            pass
        self.closed = True

    def say(self, kind, value):
        self.writer.write(encode(kind, value))

    def heard(self, kind):
        return [value for heard, value in self.frames if heard == kind]

    async def leave(self):
        self.writer.close()
        await self._reading


def submit(seq, text="hello", own_ref=None, number=NUMBER):
    return [seq, "82830", number, text, 60, own_ref or f"own-{seq}"]


async def test_a_text_is_in_the_log_and_on_the_handset_before_its_answer_is_read(simulator):
    hand = await Hand.bound(simulator)

    hand.say("submit", [submit(1, "héllo ✓")])
    [[[seq, outcome, reference]]] = await until(lambda: hand.heard("answers"))

    [message] = await simulator.messages_of(NUMBER)
    [entry] = await simulator.log()
    assert (seq, outcome) == (1, "taken")
    assert message == {"id": reference, "from": "82830", "text": "héllo ✓", "at": entry["at"], "parts": 1}
    assert {key: entry[key] for key in ("own_ref", "ref", "bind", "outcome", "answered", "receipt")} == {
        "own_ref": "own-1",
        "ref": reference,
        "bind": "hand",
        "outcome": "taken",
        "answered": True,
        "receipt": "delivered",
    }
    await hand.leave()


async def test_the_same_own_ref_twice_is_taken_twice_and_counted_as_a_double(simulator):
    hand = await Hand.bound(simulator)

    hand.say("submit", [submit(1, own_ref="same"), submit(2, own_ref="same")])
    await until(lambda: hand.heard("answers"))

    stats = await simulator.stats()
    assert (stats["submits"], stats["distinct_own_refs"], stats["doubles"]) == (2, 1, 1)
    assert len(await simulator.messages_of(NUMBER)) == 2
    await hand.leave()


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\x00\x00\x00\x00",
        b"\xff\xff\xff\xff",
        encode("submit", [submit(1)]),  # before the hello
        encode("hello", {"bind": "", "epoch": 1}),
        encode("hello", {"bind": "x", "epoch": 1}) + encode("submit", [submit(1)[:5]]),
        encode("hello", {"bind": "x", "epoch": 1}) + encode("submit", [submit(n) for n in range(501)]),
        encode("hello", {"bind": "x", "epoch": 1}) * 2,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_not_the_protocol_closes_the_session_and_nothing_else(simulator, bytes_sent):
    other, hand = await Hand.bound(simulator, "other"), await Hand.connect(simulator)

    hand.writer.write(bytes_sent)
    await until(lambda: hand.closed)

    other.say("submit", [submit(7)])
    await until(lambda: other.heard("answers"))
    assert [entry["own_ref"] for entry in await simulator.log()] == ["own-7"]
    await other.leave()


async def test_a_frame_that_comes_byte_by_byte_is_read(simulator):
    hand = await Hand.bound(simulator)

    for byte in encode("submit", [submit(1)]):
        hand.writer.write(bytes([byte]))
        await hand.writer.drain()

    await until(lambda: hand.heard("answers"))
    await hand.leave()


async def test_a_silent_session_is_closed_at_the_limit_and_its_receipts_go_to_another(simulator):
    silent, lively = await Hand.bound(simulator, "silent"), await Hand.bound(simulator, "lively")
    silent.say("submit", [submit(1)])
    await until(lambda: silent.heard("receipts"))

    async def closed():
        lively.say("ping", 1)
        return silent.closed

    await until(closed)
    [batch] = await until(lambda: lively.heard("receipts"))

    assert batch["items"][0][:2] == silent.heard("receipts")[0]["items"][0][:2]
    assert silent.heard("ping")
    assert (await simulator.stats())["silent_closed"] == 1
    await lively.leave()


async def test_a_hello_ends_the_older_session_of_its_bind_and_an_older_epoch_is_fenced_off(simulator):
    old, new = await Hand.bound(simulator, "again", 1), await Hand.bound(simulator, "again", 2)
    await until(lambda: old.closed)

    zombie = await Hand.connect(simulator)
    zombie.say("hello", {"bind": "again", "epoch": 1})
    zombie.say("submit", [submit(1)])
    await until(lambda: zombie.closed)

    assert zombie.heard("refused") == ["fenced"]
    assert await simulator.log() == []
    await new.leave()


async def pending_is(simulator, name, count):
    return (await simulator.stats())[name] == count


async def test_a_killed_network_remembers_log_handsets_and_what_nobody_acknowledged(mortal):
    hand = await Hand.bound(mortal)
    hand.say("submit", [submit(n, f"text {n}") for n in (1, 2, 3)])
    await until(lambda: hand.heard("receipts"))
    hand.say("ack", hand.heard("receipts")[0]["batch"])
    await until(lambda: pending_is(mortal, "receipts_pending", 0))
    hand.say("submit", [submit(4, "text 4")])
    await until(lambda: len(hand.heard("answers")) == 2)
    bulk = [{"from": NUMBER, "to": "82830", "text": f"in {n}"} for n in range(3)]
    assert (await mortal.control.post("/handsets/messages", json=bulk)).json() == {"accepted": 3}
    before = (await mortal.log(), await mortal.messages_of(NUMBER))

    await mortal.kill()
    await mortal.start()

    assert (await mortal.log(), await mortal.messages_of(NUMBER)) == before
    again = await Hand.bound(mortal)
    [receipts], [texts] = await until(lambda: again.heard("receipts")), await until(lambda: again.heard("texts"))
    assert [item[0] for item in receipts["items"]] == [before[0][3]["ref"]]
    assert [item[3] for item in texts["items"]] == ["in 0", "in 1", "in 2"]
    again.say("submit", [submit(5)])
    await until(lambda: again.heard("answers"))
    places = [entry["n"] for entry in await mortal.log()]
    assert places == list(range(places[0], places[0] + 5))
    await again.leave()


async def test_reset_empties_the_handsets_for_good_and_leaves_the_log(mortal):
    hand = await Hand.bound(mortal)
    hand.say("submit", [submit(1)])
    await until(lambda: hand.heard("answers"))

    await mortal.control.post("/reset")
    await mortal.kill()
    await mortal.start()

    assert await mortal.messages_of(NUMBER) == []
    assert len(await mortal.log()) == 1


async def test_handsets_behave_by_the_longest_prefix_and_reply_once(simulator):
    rules = [
        {"receipt": "never"},
        {"number_prefix": "+44770090000", "reply": "STOP", "delay_ms": 1},
        {"number_prefix": "+447700900002", "receipt": "failed", "reply": "never sent"},
    ]
    assert (await simulator.control.post("/handsets/behaviour", json=rules)).status_code == 200
    hand = await Hand.bound(simulator)

    hand.say("submit", [submit(1), submit(2), submit(3, number="+447700900002"), submit(4, number="+15550100000")])
    await until(lambda: sum(len(batch["items"]) for batch in hand.heard("receipts")) == 3)
    [texts] = await until(lambda: hand.heard("texts"))

    statuses = [(item[1], item[3]) for batch in hand.heard("receipts") for item in batch["items"]]
    assert sorted(statuses, key=str) == [("delivered", None), ("delivered", None), ("failed", "absent_subscriber")]
    assert [item[1:4] for item in texts["items"]] == [[NUMBER, "82830", "STOP"]]
    assert await simulator.messages_of("+447700900002") == []
    assert len(await simulator.messages_of("+15550100000")) == 1
    await hand.leave()


async def test_a_slow_handsets_receipt_holds_up_nobody_elses(simulator):
    slow = {"number_prefix": NUMBER, "delay_ms": 60_000}
    await simulator.control.post("/handsets/behaviour", json=slow)
    hand = await Hand.bound(simulator)

    hand.say("submit", [submit(1)])
    await until(lambda: hand.heard("answers"))
    hand.say("submit", [submit(2, number="+447700900002")])

    [batch] = await until(lambda: hand.heard("receipts"))
    assert [item[4] for item in batch["items"]] == ["own-2"]
    await hand.leave()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/handsets/07700900001/messages", None, 400),
        ("POST", f"/handsets/{NUMBER}/messages", {"to": "82830"}, 400),
        ("POST", f"/handsets/{NUMBER}/messages", {"to": "82830", "text": ""}, 400),
        ("POST", "/handsets/messages", [{"from": NUMBER, "to": "82830", "text": "x"}, {"from": "x"}], 400),
        ("POST", "/handsets/messages", [{"from": NUMBER, "to": "82830", "text": "x"}] * 10_001, 400),
        ("POST", "/faults", {"kind": "earthquake", "count": 1}, 400),
        ("POST", "/faults", {"kind": "refuse"}, 400),
        ("POST", "/handsets/behaviour", {"receipt": "lost"}, 400),
        ("GET", "/log?after=-1", None, 400),
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/log", None, 405),
    ],
)
async def test_a_wrong_request_is_refused_in_json_and_changes_nothing(simulator, method, path, body, status):
    answer = await simulator.control.request(method, path, json=body)

    assert (answer.status_code, "error" in answer.json()) == (status, True)
    assert (await simulator.stats())["texts_received"] == 0
    assert (await simulator.control.get("/faults")).json() == []


async def test_broken_json_is_refused_without_a_traceback(simulator):
    answer = await simulator.control.post("/faults", content=b"{")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid")


async def test_the_operations_port_shows_health_and_counts(simulator):
    async with httpx.AsyncClient(base_url=simulator.ops_url) as ops:
        ready, metrics = await ops.get("/health/ready"), await ops.get("/metrics")

    assert ready.status_code == 200
    assert "heliograph_simulator_submits " in metrics.text


async def test_it_ends_cleanly_when_asked(tmp_path):
    async with simulator_process(tmp_path) as simulator:
        hand = await Hand.bound(simulator)
        hand.say("submit", [submit(1)])
        await until(lambda: hand.heard("answers"))

        code = await simulator.stop()

        await until(lambda: hand.closed)
        assert (code, json.loads(simulator.log_path.read_bytes())["n"]) == (0, 1)
