"""The SMPP client against a scripted SMSC over TCP: answers, the window, the rate, binds, the lease, and a far side that misbehaves."""

import asyncio
import random
import ssl
import struct
import subprocess
import time
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from libs.common.gsm import Alphabet
from libs.common.smpp import (
    BindResp,
    Command,
    MessageState,
    QuerySmResp,
    Status,
    Tag,
    deliver_sm_resp,
    pdu,
    submit_sm_resp,
)
from services.messaging.carriers.carrier import (
    Failure,
    Part,
    Place,
    Receipt,
    ReceiptStatus,
    Refusal,
    Refused,
    Taken,
    Unknown,
)
from services.messaging.carriers.smpp.kind import KIND
from services.messaging.carriers.smpp.settings import SmppSettings
from tests.integration.messaging.scripted_smsc import Smsc, receipt_in, state, text_in
from tests.integration.simulator.process import until


class Stored:
    """Messaging's side: keeps what comes in, and can be told to fail or to wait."""

    def __init__(self):
        self.receipts_kept, self.texts_kept, self.late_kept, self.batches = [], [], [], []
        self.failures_left = 0
        self.may_store = asyncio.Event()
        self.may_store.set()

    async def _store(self, kept, batch):
        await self.may_store.wait()
        if self.failures_left:
            self.failures_left -= 1
            raise ConnectionError("the database is away")
        self.batches.append(len(batch))
        kept += batch

    async def receipts(self, batch):
        await self._store(self.receipts_kept, batch)

    async def texts(self, batch):
        await self._store(self.texts_kept, batch)

    async def late_answers(self, batch):
        self.late_kept += batch


@pytest.fixture
async def smsc():
    started = await Smsc().start()
    yield started
    await started.stop()


def made(smsc, may_write_until=None, **settings):
    settings = {
        "host": "127.0.0.1",
        "port": smsc.port,
        "system_id": "heliograph",
        "password": "secret",
        "answer_limit_s": 0.5,
        **settings,
    }
    place = Place("scripted", "messaging-1", 1)
    if may_write_until is not None:
        place = Place("scripted", "messaging-1", 1, may_write_until=may_write_until)
    return KIND.make(SmppSettings(**settings), place)


@asynccontextmanager
async def line(smsc, **settings):
    """A bound client and what it stores."""
    carrier, stored = made(smsc, **settings), Stored()
    listening = asyncio.create_task(carrier.listen(stored))
    try:
        await until(lambda: carrier.connected)
        yield carrier, stored
    finally:
        await carrier.close()
        await asyncio.wait_for(listening, 5)


def part(body="hello", number="+447700900001", sender="82830", **fields):
    return Part(uuid4(), number, sender, body, 3600, **fields)


def kinds(answers):
    return [type(answer) for answer in answers]


# -- answers -------------------------------------------------------------------------------------------------------


async def test_each_part_gets_its_own_answer_in_order(smsc):
    def answer_by_text(connection, sequence, sm):
        status = {b"full": Status.ESME_RMSGQFUL, b"bad": Status.ESME_RINVDSTADR, b"own": 0x0401}.get(
            sm.short_message, 0
        )
        connection.send(submit_sm_resp(sequence, sm.short_message.decode(), status))

    smsc.on_submit = answer_by_text
    async with line(smsc) as (carrier, _):
        answers = await carrier.submit([part("one"), part("bad"), part("own"), part("full"), part("two")])

    assert (answers[0], answers[4]) == (Taken("one"), Taken("two"))
    assert [answer.reason for answer in answers[1:4]] == [Refusal.BAD_NUMBER, Refusal.UNLISTED, Refusal.QUEUE_FULL]
    assert [answer.retry_after_s for answer in answers[1:4]] == [None, None, 5.0]
    assert [answer.code for answer in answers[1:3]] == [
        "ESME_RINVDSTADR (0x0B): invalid destination address",
        "0x401: not in SMPP 3.4, 5.1.3",
    ]


async def test_answers_in_another_order_find_their_parts(smsc):
    waiting = []

    def answer_backwards(connection, sequence, sm):
        waiting.append((sequence, sm.short_message.decode()))
        if len(waiting) == 5:
            for number, text in reversed(waiting):
                connection.send(submit_sm_resp(number, text))

    smsc.on_submit = answer_backwards
    async with line(smsc) as (carrier, _):
        answers = await carrier.submit([part(str(index)) for index in range(5)])

    assert answers == [Taken(str(index)) for index in range(5)]


async def test_a_part_that_cannot_be_written_is_refused_and_the_others_are_not(smsc):
    async with line(smsc) as (carrier, _):
        answers = await carrier.submit([part("one"), part("x" * 161), part(sender="Ω-mega"), part("two")])

    assert kinds(answers) == [Taken, Refused, Refused, Taken]
    assert [answers[1].reason, answers[2].reason] == [Refusal.BAD_TEXT, Refusal.BAD_SENDER]
    assert smsc.texts == [b"one", b"two"]


async def test_an_answer_without_an_id_is_taken_and_names_no_other(smsc):
    smsc.on_submit = lambda connection, sequence, sm: connection.send(submit_sm_resp(sequence, ""))
    async with line(smsc) as (carrier, _):
        first, second = await carrier.submit([part(), part()])

    assert isinstance(first, Taken)
    assert first.reference != second.reference


async def test_a_lost_answer_is_unknown_and_a_late_one_is_handed_over(smsc):
    smsc.on_submit = smsc.answer_nothing
    async with line(smsc) as (carrier, stored):
        sent = part("late", part=2, parts=3, concat=7)
        [answer] = await carrier.submit([sent])
        smsc.connection.send(submit_sm_resp(2, "late-id"))  # 1 was the bind
        await until(lambda: stored.late_kept)

    assert kinds([answer]) == [Unknown]
    [late] = stored.late_kept
    assert (late.text_id, late.answer, late.part, late.parts) == (sent.text_id, Taken("late-id"), 2, 3)


async def test_a_generic_nack_refuses_the_part_it_names(smsc):
    smsc.on_submit = lambda connection, sequence, sm: connection.send(
        pdu(Command.GENERIC_NACK, sequence, b"", Status.ESME_RINVCMDLEN)
    )
    async with line(smsc) as (carrier, _):
        [answer] = await carrier.submit([part()])

    assert (answer.reason, answer.code) == (Refusal.BAD_TEXT, "ESME_RINVCMDLEN (0x02): command length is invalid")


async def test_an_error_that_does_not_say_whether_it_was_taken_is_unknown(smsc):
    smsc.on_submit = smsc.answer_with(Status.ESME_RUNKNOWNERR)
    async with line(smsc) as (carrier, _):
        assert kinds(await carrier.submit([part()])) == [Unknown]


async def test_wrong_sequence_numbers_and_repeated_answers_are_of_nobody(smsc):
    def answer_oddly(connection, sequence, sm):
        connection.send(submit_sm_resp(sequence + 1000, "wrong") + submit_sm_resp(0, "wrong"))
        connection.send(submit_sm_resp(sequence, "right") + submit_sm_resp(sequence, "again"))

    smsc.on_submit = answer_oddly
    async with line(smsc) as (carrier, stored):
        answers = await carrier.submit([part(), part()])

    assert answers == [Taken("right")] * 2
    assert stored.late_kept == []


async def test_a_disconnect_leaves_the_window_unknown_and_nothing_is_sent_again(smsc):
    smsc.on_submit = smsc.answer_nothing
    async with line(smsc, answer_limit_s=5) as (carrier, _):
        submitting = asyncio.create_task(carrier.submit([part(str(index)) for index in range(30)]))
        await until(lambda: len(smsc.submits) == 30)
        smsc.connection.abort()
        answers = await submitting
        await until(lambda: carrier.connected)
        smsc.on_submit = smsc.accept
        [after] = await carrier.submit([part("after")])

    assert kinds(answers) == [Unknown] * 30
    assert kinds([after]) == [Taken]
    assert len(smsc.submits) == 31


async def test_an_answer_on_the_next_connection_meets_no_other_part(smsc):
    smsc.on_submit = smsc.answer_nothing
    async with line(smsc) as (carrier, stored):
        submitting = asyncio.create_task(carrier.submit([part("before")]))
        await until(lambda: smsc.submits)
        smsc.connection.abort()
        await submitting
        await until(lambda: carrier.connected)
        submitting = asyncio.create_task(carrier.submit([part("after")]))
        await until(lambda: len(smsc.submits) == 2)
        smsc.connection.send(submit_sm_resp(2, "of the connection before"))
        assert kinds(await submitting) == [Unknown]

    assert stored.late_kept == []


async def test_a_cancelled_callers_answers_come_as_late_ones(smsc):
    smsc.on_submit = smsc.answer_nothing
    async with line(smsc, answer_limit_s=5) as (carrier, stored):
        sent = part()
        submitting = asyncio.create_task(carrier.submit([sent]))
        await until(lambda: smsc.submits)
        submitting.cancel()
        smsc.connection.send(submit_sm_resp(2, "its-id"))
        await until(lambda: stored.late_kept)

    assert [(late.text_id, late.answer) for late in stored.late_kept] == [(sent.text_id, Taken("its-id"))]


# -- window and rate -----------------------------------------------------------------------------------------------


async def test_no_more_than_the_window_is_ever_unanswered(smsc):
    open_now, most = 0, 0

    def answer_soon(connection, sequence, sm):
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        asyncio.get_running_loop().call_later(0.002, answer, connection, sequence)

    def answer(connection, sequence):
        nonlocal open_now
        open_now -= 1
        smsc.accept(connection, sequence, None)

    smsc.on_submit = answer_soon
    async with line(smsc, window=7, answer_limit_s=5) as (carrier, _):
        both = await asyncio.gather(*(carrier.submit([part()] * 100) for _ in range(2)))

    assert [kinds(answers) for answers in both] == [[Taken] * 100] * 2
    assert most <= 7


async def test_what_waits_for_room_beyond_its_time_is_not_written(smsc):
    smsc.on_submit = smsc.answer_nothing
    async with line(smsc, window=2, answer_limit_s=0.8) as (carrier, _):
        answers = await carrier.submit([part()] * 5, write_by=time.monotonic() + 0.2)
        over = await carrier.submit([part()], write_by=time.monotonic() - 1)

    assert kinds(answers) == [Unknown] * 2 + [Refused] * 3
    assert {answer.reason for answer in [*answers[2:], *over]} == {Refusal.TOO_LATE}
    assert len(smsc.submits) == 2


async def test_the_contracts_rate_is_kept_evenly(smsc):
    at = []
    smsc.on_submit = lambda connection, sequence, sm: (
        at.append(time.monotonic()),
        smsc.accept(connection, sequence, sm),
    )
    async with line(smsc, parts_per_s=100) as (carrier, _):
        await carrier.submit([part()] * 80)

    assert 0.65 < at[-1] - at[0] < 1.5
    most_in_a_fifth = max(sum(start <= one < start + 0.2 for one in at) for start in at)
    assert most_in_a_fifth <= 0.2 * 100 + 0.05 * 100 + 1


async def test_each_bind_has_its_share_of_the_rate(smsc):
    async with line(smsc, parts_per_s=100, binds=2) as (carrier, _):
        began = time.monotonic()
        await carrier.submit([part()] * 40)

        assert time.monotonic() - began > 0.6
    assert KIND.binds(SmppSettings(host="h", system_id="s", password="p", binds=2)) == 2


async def test_a_code_does_not_wait_behind_a_claim_of_a_campaign(smsc):
    async with line(smsc, parts_per_s=50) as (carrier, _):
        bulk = asyncio.create_task(carrier.submit([part()] * 60))
        await until(lambda: len(smsc.submits) >= 5)
        await carrier.submit([part("code")])

        assert smsc.texts.index(b"code") < 15
        await bulk


async def test_throttling_slows_the_session_down_and_it_speeds_up_again(smsc):
    at, throttled = [], 0

    def throttle_ten(connection, sequence, sm):
        nonlocal throttled
        at.append(time.monotonic())
        throttled += 1
        if throttled <= 10:
            connection.send(submit_sm_resp(sequence, "", Status.ESME_RTHROTTLED))
        else:
            smsc.accept(connection, sequence, sm)

    smsc.on_submit = throttle_ten
    async with line(smsc, window=10) as (carrier, _):
        answers = await carrier.submit([part()] * 30)

    assert [answer.reason for answer in answers[:10]] == [Refusal.THROTTLED] * 10
    assert {answer.retry_after_s for answer in answers[:10]} == {1.0}
    assert kinds(answers[10:]) == [Taken] * 20
    assert at[10] - at[9] > 0.9  # held
    assert at[29] - at[10] > 0.5  # and then slower than before: at once else


# -- binding -------------------------------------------------------------------------------------------------------


async def test_the_bind_says_who_we_are(smsc):
    async with line(smsc, system_type="vma", addr_range="82830") as (carrier, _):
        assert carrier.trouble == ""

    [(command, bind)] = smsc.binds
    assert command == Command.BIND_TRANSCEIVER
    assert (bind.system_id, bind.password, bind.system_type, bind.address_range, bind.interface_version) == (
        ("heliograph", "secret", "vma", "82830", 0x34)
    )


async def test_a_refused_bind_is_told_clearly_and_asked_for_rarely(smsc):
    smsc.bind_status = Status.ESME_RINVPASWD
    carrier = made(smsc)
    listening = asyncio.create_task(carrier.listen(Stored()))
    await until(lambda: carrier.trouble.startswith("bind refused"))

    assert carrier.trouble == "bind refused: ESME_RINVPASWD (0x0E): invalid password"
    assert [answer.reason for answer in await carrier.submit([part()])] == [Refusal.NOT_CONNECTED]
    assert smsc.submits == []
    smsc.bind_status = Status.ESME_ROK
    await until(lambda: carrier.connected, 5)
    assert len(smsc.binds) == 2
    await carrier.close()
    await asyncio.wait_for(listening, 5)


async def test_nobody_there_and_no_answer_to_the_bind_are_told_apart(smsc):
    carrier = made(smsc, silence_limit_s=0.3, enquire_link_s=0.1)
    smsc.answers_binds = False
    listening = asyncio.create_task(carrier.listen(Stored()))
    await until(lambda: carrier.trouble == "nothing heard for 0.3 s")
    await smsc.stop()
    await until(lambda: carrier.trouble == f"not connected to 127.0.0.1:{smsc.port}: Connection refused", 5)

    await carrier.close()
    await asyncio.wait_for(listening, 5)


async def test_transmitter_and_receiver_live_and_die_together(smsc):
    async with line(smsc, mode="transmitter+receiver") as (carrier, stored):
        assert [command for command, _ in smsc.binds] == [Command.BIND_TRANSMITTER, Command.BIND_RECEIVER]
        transmitter, receiver = smsc.connections
        [answer] = await carrier.submit([part()])
        receiver.deliver(text_in())
        await until(lambda: stored.texts_kept)
        assert (transmitter.commands[Command.SUBMIT_SM], receiver.commands[Command.SUBMIT_SM]) == (1, 0)
        receiver.abort()
        await until(lambda: not carrier.connected)
        await asyncio.wait_for(transmitter.lost, 5)
        await until(lambda: carrier.connected)
        assert len(smsc.connections) == 4

    assert kinds([answer]) == [Taken]


async def test_the_far_side_unbinding_is_answered_and_bound_to_again(smsc):
    async with line(smsc) as (carrier, _):
        first = smsc.connection
        sequence = first.ask(Command.UNBIND)
        await asyncio.wait_for(first.lost, 5)
        assert first.answers[sequence] == (Command.UNBIND_RESP, 0)
        assert carrier.trouble == "the far side unbound"
        await until(lambda: carrier.connected, 5)


async def test_a_far_side_that_has_lost_our_bind_is_bound_to_again(smsc):
    smsc.on_submit = smsc.answer_with(Status.ESME_RINVBNDSTS)
    async with line(smsc) as (carrier, _):
        [answer] = await carrier.submit([part()])
        assert (answer.reason, answer.retry_after_s) == (Refusal.BUSY, 30.0)
        await until(lambda: len(smsc.binds) == 2, 5)


async def test_close_waits_for_answers_that_are_due_and_unbinds(smsc):
    smsc.on_submit = lambda connection, sequence, sm: asyncio.get_running_loop().call_later(
        0.2, smsc.accept, connection, sequence, sm
    )
    async with line(smsc) as (carrier, _):
        submitting = asyncio.create_task(carrier.submit([part()] * 3))
        await until(lambda: len(smsc.submits) == 3)
        await carrier.close()
        answers = await submitting
        after = await carrier.submit([part()])

    assert kinds(answers) == [Taken] * 3
    assert [answer.reason for answer in after] == [Refusal.NOT_CONNECTED]
    assert smsc.unbinds == 1


async def test_close_is_bounded_though_nothing_is_answered(smsc):
    smsc.on_submit = smsc.answer_nothing
    smsc.answers_unbinds = False
    async with line(smsc) as (carrier, _):
        submitting = asyncio.create_task(carrier.submit([part()]))
        await until(lambda: smsc.submits)
        began = time.monotonic()
        await carrier.close()

        assert time.monotonic() - began < 4
        assert kinds(await submitting) == [Unknown]


async def test_tls_with_a_certificate_that_is_checked(smsc, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
        f" -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    over_tls = await Smsc().start(context)
    try:
        async with line(over_tls, tls=True, tls_ca_file=str(certificate)) as (carrier, _):
            assert kinds(await carrier.submit([part()] * 100)) == [Taken] * 100
        async with line(over_tls, tls=True, tls_verify=False) as (carrier, _):
            assert kinds(await carrier.submit([part()])) == [Taken]
        stranger = made(over_tls, tls=True)
        listening = asyncio.create_task(stranger.listen(Stored()))
        await until(lambda: "certificate verify failed" in stranger.trouble)
        await stranger.close()
        await asyncio.wait_for(listening, 5)
    finally:
        await over_tls.stop()


# -- the lease -----------------------------------------------------------------------------------------------------


async def test_past_the_lease_nothing_is_written_not_even_an_answer_and_the_session_is_cut(smsc):
    until_when = [float("inf")]
    async with line(smsc, may_write_until=lambda: until_when[0]) as (carrier, stored):
        connection = smsc.connection
        stored.may_store.clear()
        connection.deliver(text_in())
        await until(lambda: carrier.connected)
        before = connection.octets
        until_when[0] = time.monotonic()
        connection.ask(Command.ENQUIRE_LINK)
        answers = await carrier.submit([part()])
        stored.may_store.set()
        await asyncio.wait_for(connection.lost, 5)

        assert [answer.reason for answer in answers] == [Refusal.NOT_CONNECTED]
        assert (connection.octets, smsc.submits, smsc.unbinds) == (before, [], 0)
        assert carrier.trouble == "the lease of this bind is over"
        assert len(smsc.connections) == 1
        until_when[0] = float("inf")
        await until(lambda: carrier.connected, 10)


async def test_a_lease_that_ends_in_silence_cuts_the_session_too(smsc):
    ends = time.monotonic() + 0.6
    async with line(smsc, may_write_until=lambda: ends):
        await asyncio.wait_for(smsc.connection.lost, 5)

        assert time.monotonic() - ends < 1
    assert smsc.unbinds == 0


# -- signs of life and misbehaviour --------------------------------------------------------------------------------


async def test_enquire_link_is_answered_and_asked_in_silence(smsc):
    async with line(smsc, enquire_link_s=0.3, silence_limit_s=1.5) as (carrier, _):
        sequence = smsc.connection.ask(Command.ENQUIRE_LINK)
        await until(lambda: smsc.links >= 2)
        assert smsc.connection.answers[sequence] == (Command.ENQUIRE_LINK_RESP, 0)
        assert carrier.connected
        assert len(smsc.binds) == 1


async def test_a_half_open_connection_is_noticed_and_its_window_is_unknown(smsc):
    smsc.on_submit = smsc.answer_nothing
    smsc.answers_links = False
    async with line(smsc, enquire_link_s=0.2, silence_limit_s=0.8, answer_limit_s=10) as (carrier, _):
        answers = await carrier.submit([part()] * 3)

        assert {answer.why for answer in answers} == {"nothing heard for 0.8 s"}
        await until(lambda: len(smsc.binds) == 2, 5)


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        struct.pack(">IIII", 0xFFFFFFF0, 5, 0, 1),
        struct.pack(">IIII", 3, 5, 0, 1),
    ],
    ids=["text", "oversize", "undersize"],
)
async def test_what_is_no_smpp_ends_the_session_and_it_is_bound_again(smsc, octets):
    smsc.on_submit = smsc.answer_nothing
    async with line(smsc, answer_limit_s=5) as (carrier, _):
        submitting = asyncio.create_task(carrier.submit([part()]))
        await until(lambda: smsc.submits)
        smsc.connection.send(octets)
        assert kinds(await submitting) == [Unknown]
        await until(lambda: len(smsc.binds) == 2 and carrier.connected, 5)


async def test_pdus_that_cannot_be_read_are_nacked_and_the_session_goes_on(smsc):
    async with line(smsc) as (carrier, _):
        unknown = smsc.connection.ask(0x21)
        broken = smsc.connection.ask(Command.DELIVER_SM, b"no end of it")
        not_ours = smsc.connection.ask(Command.SUBMIT_SM, text_in().encode())
        smsc.connection.ask(Command.ALERT_NOTIFICATION, b"\1\1447\0\0\0me\0")
        smsc.connection.ask(Command.OUTBIND, b"smsc\0pw\0")
        smsc.connection.send(pdu(Command.QUERY_SM_RESP, 99, b"\1\2") + pdu(0x80000077, 98) + deliver_sm_resp(97))
        smsc.connection.send(pdu(Command.BIND_TRANSCEIVER_RESP, 96, BindResp("again").encode()))
        assert kinds(await carrier.submit([part()])) == [Taken]
        answers = smsc.connection.answers

    assert answers == {
        unknown: (Command.GENERIC_NACK, Status.ESME_RINVCMDID),
        broken: (Command.DELIVER_SM_RESP, Status.ESME_RINVPARLEN),
        not_ours: (Command.SUBMIT_SM_RESP, Status.ESME_RINVBNDSTS),
    }
    assert len(smsc.binds) == 1


async def test_random_octets_for_a_while_never_take_the_client_down(smsc):
    octets = random.Random(7)
    async with line(smsc) as (carrier, _):
        for _ in range(3):
            await until(lambda: carrier.connected, 5)
            session = smsc.connection
            for command in (Command.DELIVER_SM, Command.DATA_SM, Command.SUBMIT_SM_RESP, Command.QUERY_SM_RESP, 0x77):
                for _ in range(20):
                    session.ask(command, octets.randbytes(60))
            session.send(b"\xff" * 64)
            await asyncio.wait_for(session.lost, 5)
        await until(lambda: carrier.connected, 5)

        assert kinds(await carrier.submit([part()])) == [Taken]


# -- what comes in -------------------------------------------------------------------------------------------------


async def test_texts_and_receipts_are_acknowledged_only_once_they_are_stored(smsc):
    async with line(smsc) as (_, stored):
        stored.may_store.clear()
        connection = smsc.connection
        asked = [connection.deliver(text_in(b"hello")), connection.deliver(receipt_in("id-1"))]
        link = connection.ask(Command.ENQUIRE_LINK)
        await until(lambda: link in connection.answers)
        assert asked[0] not in connection.answers
        assert asked[1] not in connection.answers
        stored.may_store.set()
        await until(lambda: set(asked) <= connection.answers.keys())
        assert {connection.answers[sequence] for sequence in asked} == {(Command.DELIVER_SM_RESP, 0)}

    assert [text.body for text in stored.texts_kept] == ["hello"]
    assert [receipt.reference for receipt in stored.receipts_kept] == ["id-1"]


async def test_what_cannot_be_stored_is_answered_so_that_it_comes_again(smsc):
    async with line(smsc) as (_, stored):
        stored.failures_left = 1
        connection = smsc.connection
        first = connection.deliver(text_in(b"hello"))
        await until(lambda: first in connection.answers)
        assert connection.answers[first] == (Command.DELIVER_SM_RESP, Status.ESME_RX_T_APPN)
        again = connection.deliver(text_in(b"hello"))
        await until(lambda: again in connection.answers)
        assert connection.answers[again] == (Command.DELIVER_SM_RESP, 0)

    assert [text.body for text in stored.texts_kept] == ["hello"]


async def test_what_waits_together_is_stored_together_and_in_order(smsc):
    async with line(smsc) as (_, stored):
        stored.may_store.clear()
        connection = smsc.connection
        asked = [connection.deliver(text_in(str(index).encode())) for index in range(700)]
        link = connection.ask(Command.ENQUIRE_LINK)
        await until(lambda: link in connection.answers)
        stored.may_store.set()
        await until(lambda: len(connection.answers) == 701)
        assert all(connection.answers[sequence] == (Command.DELIVER_SM_RESP, 0) for sequence in asked)

    assert [text.body for text in stored.texts_kept] == [str(index) for index in range(700)]
    assert len(stored.batches) <= 4
    assert max(stored.batches) <= 500


async def test_a_far_side_that_does_not_wait_is_told_to(smsc):
    async with line(smsc) as (_, stored):
        stored.may_store.clear()
        connection = smsc.connection
        for _ in range(5_600):
            connection.deliver(text_in())
        await until(lambda: connection.answers, 10)
        assert set(connection.answers.values()) == {(Command.DELIVER_SM_RESP, Status.ESME_RMSGQFUL)}
        stored.may_store.set()
        await until(lambda: len(connection.answers) == 5_600, 10)


async def test_a_text_in_a_data_sm_is_answered_as_one(smsc):
    async with line(smsc) as (_, stored):
        sm = text_in(b"")
        sm.tlvs[Tag.MESSAGE_PAYLOAD] = b"hello"
        sequence = smsc.connection.ask(Command.DATA_SM, sm.encode_data())
        await until(lambda: sequence in smsc.connection.answers)
        assert smsc.connection.answers[sequence] == (Command.DATA_SM_RESP, 0)

    [text] = stored.texts_kept
    assert (text.number, text.to, text.body) == ("+447700900001", "82830", "hello")


async def test_what_a_dead_session_brought_is_not_stored_twice(smsc):
    async with line(smsc) as (carrier, stored):
        stored.may_store.clear()
        smsc.connection.deliver(text_in(b"in work"))
        smsc.connection.deliver(text_in(b"waits"))
        link = smsc.connection.ask(Command.ENQUIRE_LINK)
        await until(lambda: link in smsc.connection.answers)
        smsc.connection.abort()
        await until(lambda: not carrier.connected)
        stored.may_store.set()
        await until(lambda: carrier.connected, 5)
        smsc.connection.deliver(text_in(b"waits"))
        await until(lambda: len(stored.texts_kept) >= 2)

    assert sorted(text.body for text in stored.texts_kept) == ["in work", "waits"]


async def test_receipts_written_in_another_base_find_their_parts(smsc):
    smsc.on_submit = lambda connection, sequence, sm: connection.send(submit_sm_resp(sequence, "00ab12"))
    async with line(smsc, receipt_ids="hex_to_dec") as (carrier, stored):
        [answer] = await carrier.submit([part()])
        smsc.connection.deliver(receipt_in(str(0xAB12)))
        await until(lambda: stored.receipts_kept)

    assert answer == Taken("AB12")
    assert stored.receipts_kept[0].reference == "AB12"


# -- query ---------------------------------------------------------------------------------------------------------


async def test_a_query_tells_what_became_of_each_part(smsc):
    smsc.states = {
        "a": state("a", MessageState.DELIVERED),
        "b": state("b", MessageState.UNDELIVERABLE, 1),
        "c": QuerySmResp("c", "", MessageState.ENROUTE, 0),
        "d": state("d", MessageState.UNKNOWN),
    }
    async with line(smsc, query=True, receipt_errors="map") as (carrier, _):
        asked = [(reference, "82830") for reference in ("a", "b", "c", "d", "nobody's", "x" * 70)]
        a, b, c, *rest = await carrier.query(asked)
        assert carrier.capabilities.query

    assert isinstance(a, Receipt)
    assert (a.reference, a.status, a.at.hour) == ("a", ReceiptStatus.DELIVERED, 12)
    assert (b.status, b.error, b.failure) == (ReceiptStatus.FAILED, "1", Failure.PERMANENT)
    assert c.status is ReceiptStatus.ACCEPTED
    assert rest == [None, None, None]


async def test_a_query_without_an_answer_says_nothing(smsc):
    async with line(smsc, query=True) as (carrier, _):
        smsc.connection.take = lambda *_: None
        assert await carrier.query([("a", "82830")]) == [None]


# -- how a part goes out, over the wire ----------------------------------------------------------------------------


async def test_the_fields_of_a_submit(smsc):
    async with line(smsc) as (carrier, _):
        await carrier.submit([part("Grüße @ £5", sender="Heliograph"), part("тест", alphabet=Alphabet.UCS2)])

    gsm, ucs2 = smsc.submits
    assert (gsm.source_addr_ton, gsm.source_addr_npi, gsm.source_addr) == (5, 0, "Heliograph")
    assert (gsm.dest_addr_ton, gsm.dest_addr_npi, gsm.destination_addr) == (1, 1, "447700900001")
    assert (gsm.validity_period, gsm.registered_delivery, gsm.esm_class) == ("000000010000000R", 1, 0)
    assert (gsm.data_coding, gsm.short_message) == (0, b"Gr\x7e\x1ee \x00 \x015")
    assert (ucs2.data_coding, ucs2.short_message) == (8, "тест".encode("utf-16-be"))
