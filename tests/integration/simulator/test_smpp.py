"""The network as an SMSC, over real sockets: binds, texts out and in, receipts, ranges and every fault that this wire has."""

import os
import random
import time

import pytest

from libs.common import gsm
from libs.common.smpp import (
    Bind,
    Command,
    Concat,
    EsmClass,
    MessageState,
    QuerySm,
    ReceiptText,
    Sm,
    Status,
    Tag,
    concat_header,
    pdu,
    relative_time,
    split_header,
)
from tests.integration.simulator.esme import NUMBER, Esme
from tests.integration.simulator.process import simulator_process, until

HANDSET = f"+{NUMBER}"
LONG = "Your order is ready, and it waits for you at the counter by the door. " * 4


@pytest.fixture(scope="module")
async def process(tmp_path_factory):
    async with simulator_process(tmp_path_factory.mktemp("smsc"), silence_limit_s=3.0) as started:
        yield started


@pytest.fixture
async def simulator(process):
    return await process.begin_anew()


@pytest.fixture
async def esme(simulator):
    bound = await Esme.bound(simulator)
    yield bound
    await bound.leave()


async def account(simulator, **options):
    (await simulator.control.post("/accounts", json={"system_id": "esme", **options})).raise_for_status()


async def texts_in(simulator, text, **options):
    answer = await simulator.control.post(
        f"/handsets/{HANDSET}/messages", json={"to": "82830", "text": text, **options}
    )
    answer.raise_for_status()


async def shown(simulator, number=HANDSET):
    return [(message["text"], message["parts"]) for message in await simulator.messages_of(number)]


# -- binds ---------------------------------------------------------------------------------------------------------


async def test_a_wrong_password_is_refused_and_the_right_one_binds_after_it(simulator):
    esme = await Esme.connect(simulator)

    refused, _ = await esme.ask(Command.BIND_TRANSCEIVER, Bind("esme", "guess").encode())
    taken, answer = await esme.ask(Command.BIND_TRANSCEIVER, Bind("esme", "simulate").encode())

    assert (refused, taken, answer.tlvs[Tag.SC_INTERFACE_VERSION]) == (Status.ESME_RINVPASWD, 0, b"\x34")
    await esme.leave()


async def test_an_account_has_no_more_binds_than_it_may_and_gets_one_back_by_unbinding(simulator):
    await account(simulator, binds_max=1)
    first, second = await Esme.bound(simulator), await Esme.connect(simulator)

    refused, _ = await second.ask(Command.BIND_TRANSCEIVER, Bind("esme", "simulate").encode())
    await first.ask(Command.UNBIND)
    await until(lambda: first.closed)
    taken, _ = await second.ask(Command.BIND_TRANSCEIVER, Bind("esme", "simulate").encode())

    assert (refused, taken) == (Status.ESME_RALYBND, 0)
    await second.leave()


async def test_a_receiver_may_not_submit_and_gets_the_receipts_of_its_accounts_transmitter(simulator):
    transmitter = await Esme.bound(simulator, command=Command.BIND_TRANSMITTER)
    receiver = await Esme.bound(simulator, command=Command.BIND_RECEIVER)
    stranger = await Esme.bound(simulator, "stranger")

    refused, _ = await receiver.submitted()
    _, message_id = await transmitter.submitted()
    [receipt] = await receiver.delivered()

    assert refused == Status.ESME_RINVBNDSTS
    assert ReceiptText.decode(receipt.short_message).id == message_id
    assert stranger.heard(Command.DELIVER_SM) == transmitter.heard(Command.DELIVER_SM) == []
    for each in (transmitter, receiver, stranger):
        await each.leave()


async def test_signs_of_life_go_both_ways_and_the_silent_are_closed(simulator, esme):
    status, _ = await esme.ask(Command.ENQUIRE_LINK)
    silent = await Esme.bound(simulator)
    silent.shows_life = False

    await until(lambda: silent.closed)

    assert status == 0
    assert silent.pdus[-1][0] == Command.ENQUIRE_LINK


@pytest.mark.parametrize("command", [0x00000021, 0x0000BEEF, Command.DATA_SM, Command.CANCEL_SM])
async def test_a_command_it_does_not_offer_is_refused_and_the_session_goes_on(esme, command):
    sequence = esme.say(command, b"")
    [[refused, _]] = await until(lambda: esme.answers_to(sequence))

    status, _ = await esme.submitted()
    assert (refused != 0, status) == (True, 0)


# -- texts out -----------------------------------------------------------------------------------------------------


async def test_a_text_is_in_the_log_and_on_the_handset_before_its_answer_is_read(simulator, esme):
    reference = (77).to_bytes(2, "big")
    status, message_id = await esme.submitted(
        gsm.encode("£5 {off}"), validity_period=relative_time(90), tlvs={Tag.USER_MESSAGE_REFERENCE: reference}
    )

    [entry] = await simulator.log()
    assert status == 0
    assert await shown(simulator) == [("£5 {off}", 1)]
    wanted = {"ref": message_id, "own_ref": "77", "validity_s": 90, "account": "smpp:esme", "bind": "esme"}
    assert {name: entry[name] for name in wanted} == wanted
    [receipt] = await esme.delivered()
    told = ReceiptText.decode(receipt.short_message)
    assert (told.id, told.state, told.err) == (message_id, MessageState.DELIVERED, "000")
    assert receipt.tlvs[Tag.RECEIPTED_MESSAGE_ID] == message_id.encode() + b"\0"
    assert (receipt.source_addr, receipt.destination_addr, receipt.esm_class) == (NUMBER, "82830", EsmClass.RECEIPT)


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        (0, b"\x1be", "€"),
        (1, b"plain", "plain"),
        (3, "naïve".encode("latin-1"), "naïve"),
        (8, "✓".encode("utf-16-be"), "✓"),
    ],
)
async def test_every_data_coding_is_read(simulator, esme, coding, octets, text):
    await esme.submitted(octets, data_coding=coding)

    assert await shown(simulator) == [(text, 1)]


def parts_by(how, text, coding):
    """submit_sm fields of each part, cut without mercy: within an escape or a surrogate pair where it falls there."""
    each = 134 if coding == 8 else 153
    octets = text.encode("utf-16-be") if coding == 8 else gsm.encode(text)
    cut = [octets[at : at + each] for at in range(0, len(octets), each)]
    for n, part in enumerate(cut, 1):
        concat = Concat(300, len(cut), n)
        if how == "sar":
            tlvs = {
                Tag.SAR_MSG_REF_NUM: (300).to_bytes(2, "big"),
                Tag.SAR_TOTAL_SEGMENTS: bytes((len(cut),)),
                Tag.SAR_SEGMENT_SEQNUM: bytes((n,)),
            }
            yield {"text": part, "tlvs": tlvs, "data_coding": coding}
        else:
            header = concat_header(concat, wide=how == "udh16")
            yield {"text": header + part, "esm_class": EsmClass.UDHI, "data_coding": coding}


@pytest.mark.parametrize("how", ["udh8", "udh16", "sar"])
@pytest.mark.parametrize(
    ("text", "coding"), [(LONG, 0), ("a" * 152 + "€" + "b" * 200, 0), ("ы" * 66 + "🎉" + "ы" * 90, 8)]
)
async def test_a_long_text_is_whole_on_the_handset_whatever_the_order_of_its_parts(simulator, esme, how, text, coding):
    parts = list(parts_by(how, text, coding))
    for part in parts[:0:-1]:
        await esme.submitted(**part)
    before = await shown(simulator)
    await esme.submitted(**parts[0])

    assert (before, await shown(simulator)) == ([], [(text, len(parts))])
    assert [entry["part"] for entry in await simulator.log()] == list(range(len(parts), 0, -1))


async def test_a_message_payload_is_one_text(simulator, esme):
    await esme.submitted(b"", tlvs={Tag.MESSAGE_PAYLOAD: gsm.encode(LONG)})

    assert await shown(simulator) == [(LONG, 1)]


async def test_a_part_that_comes_twice_is_a_double_though_the_handset_shows_one_text(simulator, esme):
    first, *others = parts_by("udh8", LONG, 0)
    for part in (first, first, *others):
        await esme.submitted(**part)

    stats = await simulator.stats()
    assert await shown(simulator) == [(LONG, len(others) + 1)]
    assert stats["doubles"] == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"number": "12"}, Status.ESME_RINVDSTADR),
        ({"source_addr": "much too long name", "source_addr_ton": 5}, Status.ESME_RINVSRCADR),
        ({"text": b""}, Status.ESME_RINVMSGLEN),
        ({"data_coding": 4}, Status.ESME_RSUBMITFAIL),
        ({"validity_period": "never"}, Status.ESME_RINVEXPIRY),
        ({"validity_period": "200101000000000+"}, Status.ESME_RINVEXPIRY),
        ({"schedule_delivery_time": relative_time(60)}, Status.ESME_RINVSCHED),
        ({"registered_delivery": 3}, Status.ESME_RINVREGDLVFLG),
        ({"number": "447700900990"}, Status.ESME_RINVDSTADR),
        ({"number": "15005550004"}, Status.ESME_RSUBMITFAIL),
    ],
)
async def test_what_the_network_does_not_take_is_refused_by_status_and_logged(simulator, esme, fields, status):
    assert await esme.submitted(**fields) == (status, "")

    [entry] = await simulator.log()
    assert entry["outcome"] != "taken"


@pytest.mark.parametrize(("registered", "states"), [(0, []), (2, [MessageState.UNDELIVERABLE])])
async def test_receipts_come_as_far_as_they_were_asked_for(simulator, esme, registered, states):
    for number in (NUMBER, "447700900960"):
        await esme.submitted(number=number, registered_delivery=registered)
    await esme.submitted(registered_delivery=1)
    receipts = await esme.delivered(len(states) + 1)

    assert sorted(ReceiptText.decode(each.short_message).state for each in receipts) == sorted(
        [*states, MessageState.DELIVERED]
    )
    assert (await simulator.stats())["receipts_sent"] == len(states) + 1


# -- ranges --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("447700900920", [("UNDELIV", "027")]),
        ("447700900930", [("UNDELIV", "032")]),
        ("447700900950", [("EXPIRED", "000")]),
        ("447700900960", [("UNDELIV", "013")]),
        ("447700900970", [("ACCEPTD", "000"), ("DELIVRD", "000")]),
        ("447700900980", [("UNDELIV", "001")]),
    ],
)
async def test_a_range_behaves_as_its_table_says(simulator, esme, number, told):
    await esme.submitted(number=number)
    receipts = [ReceiptText.decode(each.short_message) for each in await esme.delivered(len(told))]

    assert [(each.stat, each.err) for each in receipts] == told
    assert len(await simulator.messages_of(f"+{number}")) == (told[-1][0] == "DELIVRD")


async def test_a_slow_handset_gets_its_text_seconds_later_unless_its_validity_passes_first(simulator, esme):
    await esme.submitted(b"patient", number="447700900940", validity_period=relative_time(600))
    await esme.submitted(b"hasty", number="447700900940", validity_period=relative_time(1))
    _, in_between = await esme.ask(Command.QUERY_SM, QuerySm((await simulator.log())[0]["ref"]).encode())
    before = await shown(simulator, "+447700900940")

    expired, delivered = [ReceiptText.decode(each.short_message) for each in await esme.delivered(2)]

    assert (expired.stat, expired.text, delivered.stat, delivered.text) == ("EXPIRED", "hasty", "DELIVRD", "patient")
    assert (before, await shown(simulator, "+447700900940")) == ([], [("patient", 1)])
    assert in_between.message_state == MessageState.ACCEPTED


async def test_a_query_tells_the_end_and_only_to_the_account_that_submitted(simulator, esme):
    _, message_id = await esme.submitted(number="447700900960")
    stranger = await Esme.bound(simulator, "stranger")

    _, told = await esme.ask(Command.QUERY_SM, QuerySm(message_id).encode())
    refused, _ = await stranger.ask(Command.QUERY_SM, QuerySm(message_id).encode())

    assert (told.message_state, told.error_code, told.message_id) == (MessageState.UNDELIVERABLE, 13, message_id)
    assert refused == Status.ESME_RQUERYFAIL
    await stranger.leave()


# -- accounts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ids", "receipt_ids"), [("hexadecimal", "decimal"), ("decimal", "hexadecimal")])
async def test_receipts_may_give_the_id_in_the_other_form(simulator, ids, receipt_ids):
    await account(simulator, ids=ids, receipt_ids=receipt_ids)
    esme = await Esme.bound(simulator)

    _, message_id = await esme.submitted()
    [receipt] = await esme.delivered()

    bases = {"hexadecimal": 16, "decimal": 10}
    given = ReceiptText.decode(receipt.short_message).id
    assert given != message_id
    assert int(given, bases[receipt_ids]) == int(message_id, bases[ids])
    await esme.leave()


@pytest.mark.parametrize(("by", "text", "tlv"), [("text", True, False), ("tlv", False, True), ("both", True, True)])
async def test_receipts_come_by_text_by_tlv_or_by_both(simulator, by, text, tlv):
    await account(simulator, receipts_by=by)
    esme = await Esme.bound(simulator)

    await esme.submitted()
    [receipt] = await esme.delivered()

    assert (receipt.short_message != b"", Tag.MESSAGE_STATE in receipt.tlvs) == (text, tlv)
    await esme.leave()


# -- texts in ------------------------------------------------------------------------------------------------------


def joined(deliveries):
    parts = [split_header(each.short_message) for each in deliveries]
    return [concat.part for concat, _ in parts], b"".join(octets for _, octets in sorted(parts))


async def test_a_long_text_from_a_handset_comes_in_parts_and_is_acknowledged_when_all_are(simulator, esme):
    await texts_in(simulator, LONG)
    deliveries = await esme.delivered(2)

    order, octets = joined(deliveries)
    assert (order, gsm.decode(octets)) == ([1, 2], LONG)
    assert {each.esm_class for each in deliveries} == {EsmClass.UDHI}

    async def acked():
        return (await simulator.stats())["texts_acked"] == 1

    await until(acked)


@pytest.mark.parametrize(
    ("kind", "order"), [("part_missing", [2, 3]), ("part_twice", [1, 2, 3, 1]), ("parts_shuffled", [2, 1, 3])]
)
async def test_the_parts_of_a_text_come_as_a_fault_would_have_them(simulator, esme, kind, order):
    await simulator.fault(kind, count=1, seed=0)
    await texts_in(simulator, "ы" * 150)
    deliveries = await esme.delivered(len(order))

    came = [split_header(each.short_message)[0].part for each in deliveries]
    assert sorted(came) == sorted(order)
    assert (came == sorted(came)) == (kind == "part_missing")


@pytest.mark.parametrize("long_texts", ["udh16", "sar", "payload"])
async def test_an_account_may_have_long_texts_in_another_form(simulator, long_texts):
    await account(simulator, long_texts=long_texts)
    esme = await Esme.bound(simulator)

    await texts_in(simulator, LONG)
    first, *_ = await esme.delivered(1 if long_texts == "payload" else 2)

    assert (Tag.MESSAGE_PAYLOAD in first.tlvs, Tag.SAR_TOTAL_SEGMENTS in first.tlvs, first.esm_class) == {
        "udh16": (False, False, EsmClass.UDHI),
        "sar": (False, True, 0),
        "payload": (True, False, 0),
    }[long_texts]
    await esme.leave()


@pytest.mark.parametrize(("coding", "text"), [(0, "£1"), (1, "plain"), (3, "naïve ç"), (8, "plain")])
async def test_texts_from_handsets_come_in_the_coding_asked_for(simulator, coding, text):
    await account(simulator, coding=coding)
    esme = await Esme.bound(simulator)

    await texts_in(simulator, text)
    [sm] = await esme.delivered()

    codec = {1: "ascii", 3: "latin-1", 8: "utf-16-be"}
    read = gsm.decode(sm.short_message) if coding == 0 else sm.short_message.decode(codec[coding])
    assert (sm.data_coding, read) == (coding, text)
    await esme.leave()


async def test_a_text_comes_twice_with_one_id_or_with_two(simulator):
    await account(simulator, text_ids=True)
    esme = await Esme.bound(simulator)
    await simulator.fault("duplicate_text", count=1)
    await simulator.fault("duplicate_text_new_id", count=1)

    await texts_in(simulator, "hello")
    ids = [each.tlvs[Tag.RECEIPTED_MESSAGE_ID] for each in await esme.delivered(3)]

    assert len(set(ids)) == 2
    await esme.leave()


async def test_a_text_for_an_account_goes_to_no_other(simulator, esme):
    mine = await Esme.bound(simulator, "mine")

    for _ in range(3):
        await texts_in(simulator, "hello", account="smpp:mine")
    await mine.delivered(3)

    assert esme.heard(Command.DELIVER_SM) == []
    await mine.leave()


async def test_what_is_not_acknowledged_comes_again_and_after_the_session_to_the_next_one(simulator, esme):
    esme.answers_deliver_sm = False
    await esme.submitted()
    await esme.delivered(2)  # the second one after five seconds
    first, second = [sequence for command, _, sequence, _ in esme.pdus if command == Command.DELIVER_SM][:2]

    await esme.leave()
    again = await Esme.bound(simulator)

    assert first == second
    assert len(await again.delivered()) == 1
    await again.leave()


# -- faults --------------------------------------------------------------------------------------------------------


async def stays_taken(simulator):
    [entry] = await simulator.log()
    return entry["outcome"] == "taken" and len(await shown(simulator)) == 1


@pytest.mark.parametrize("kind", ["no_answer", "half_open"])
async def test_a_lost_answer_leaves_the_text_on_the_handset(simulator, esme, kind):
    await simulator.fault(kind, count=1)
    sequence = esme.submit()

    async def logged():
        return await simulator.log()

    await until(logged)
    asked = esme.say(Command.ENQUIRE_LINK)
    if kind == "no_answer":
        await until(lambda: esme.answers_to(asked))
    assert await stays_taken(simulator)
    assert esme.answers_to(sequence) == []
    assert esme.closed is False


async def test_after_half_open_nothing_more_is_taken_and_the_account_may_bind_again(simulator):
    await account(simulator, binds_max=1)
    dead = await Esme.bound(simulator)
    answer = await simulator.control.post("/sessions", json={"account": "smpp:esme", "do": "half_open"})

    dead.submit()
    again = await Esme.bound(simulator)
    await again.submitted()

    assert answer.json() == {"sessions": 1}
    assert len(await simulator.log()) == 1
    assert (dead.closed, dead.answers_to(2)) == (False, [])
    await dead.leave()
    await again.leave()


async def test_an_answer_may_come_late_and_after_its_receipt(simulator, esme):
    await simulator.fault("receipt_before_answer", count=1, delay_ms=400)
    sequence = esme.submit()

    await esme.delivered()
    before = esme.answers_to(sequence)
    [[status, _]] = await until(lambda: esme.answers_to(sequence))

    assert (before, status) == ([], 0)


async def test_an_answer_after_a_disconnect_is_the_first_thing_on_the_next_session(simulator, esme):
    await simulator.fault("answer_after_disconnect", count=1)
    sequence = esme.submit()
    await until(lambda: esme.closed)

    again = await Esme.bound(simulator)
    again.answers_to(sequence)

    assert await stays_taken(simulator)
    [(_, _, _, _), (command, status, number, message_id), *_] = await until(lambda: len(again.pdus) > 1 and again.pdus)
    assert (command, status, number) == (Command.SUBMIT_SM_RESP, 0, sequence)
    assert message_id == (await simulator.log())[0]["ref"]
    await again.leave()


async def test_a_disconnect_in_a_full_window_takes_all_and_answers_nothing(simulator, esme):
    await simulator.fault("disconnect_full_window", count=1, after_hits=1, delay_ms=300)
    sequences = [esme.submit(f"text {n}".encode()) for n in range(20)]
    await until(lambda: esme.closed)

    entries = await simulator.log()
    assert [len(esme.answers_to(sequence)) for sequence in sequences] == [1] + [0] * 19
    assert [entry["outcome"] for entry in entries] == ["taken"] * 20
    assert [entry["answered"] for entry in entries] == [True] + [False] * 19


@pytest.mark.parametrize(
    ("kind", "options", "status"),
    [
        ("throttle", {}, Status.ESME_RTHROTTLED),
        ("queue_full", {}, Status.ESME_RMSGQFUL),
        ("refuse", {"reason": "esme_rinvsubrep"}, Status.ESME_RINVSUBREP),
        ("refuse", {"reason": "0x0455"}, 0x0455),
    ],
)
async def test_a_refusal_on_order_has_its_status_and_reaches_no_handset(simulator, esme, kind, options, status):
    await simulator.fault(kind, count=1, account="smpp:esme", **options)
    await simulator.fault("refuse", count=1, account="smpp:somebody")

    assert await esme.submitted() == (status, "")
    assert (await esme.submitted())[0] == 0
    assert len(await shown(simulator)) == 1


async def test_a_generic_nack_refuses_the_text(simulator, esme):
    await simulator.fault("generic_nack", count=1)
    sequence = esme.submit()
    await until(lambda: esme.answers_to(sequence))

    assert esme.pdus[-1][:2] == (Command.GENERIC_NACK, Status.ESME_RINVCMDLEN)
    assert await shown(simulator) == []


@pytest.mark.parametrize("kind", ["garbage", "oversize"])
async def test_in_place_of_an_answer_comes_what_is_no_pdu(simulator, esme, kind):
    await simulator.fault(kind, count=1)
    esme.submit()
    await until(lambda: esme.broken)

    assert "BadFrame" in esme.broken
    assert await stays_taken(simulator)


async def test_an_answer_to_a_text_that_was_never_sent(simulator, esme):
    await simulator.fault("wrong_sequence", count=1)
    sequence = esme.submit()
    [[_, _]] = await until(lambda: esme.answers_to(sequence ^ 0x40000000))

    assert esme.answers_to(sequence) == []


@pytest.mark.parametrize(("kind", "odd"), [("unknown_command", 0xDEAD), ("malformed", Command.DELIVER_SM)])
async def test_what_no_client_knows_comes_before_the_true_answer(simulator, esme, kind, odd):
    await simulator.fault(kind, count=1)
    status, _ = await esme.submitted()

    assert status == 0
    assert odd in [command for command, *_ in esme.pdus]


async def test_an_answer_may_bring_no_id(simulator, esme):
    await simulator.fault("empty_id", count=1)

    assert await esme.submitted() == (0, "")
    [receipt] = await esme.delivered()
    assert ReceiptText.decode(receipt.short_message).id == (await simulator.log())[0]["ref"]


async def test_receipts_come_twice_or_in_the_wrong_order_or_never(simulator, esme):
    for n, kind in enumerate(("receipt_twice", "receipt_out_of_order", "receipt_never")):
        await simulator.fault(kind, count=1, number=f"{HANDSET[:-1]}{n}")
    for n, text in enumerate((b"twice", b"order", b"never", b"usual")):
        await esme.submitted(text, number=f"{NUMBER[:-1]}{n}")

    receipts = [ReceiptText.decode(each.short_message) for each in await esme.delivered(5)]

    told = [(each.text, each.stat) for each in receipts]
    assert sorted(told) == sorted(
        [("twice", "DELIVRD")] * 2 + [("order", "DELIVRD"), ("order", "ACCEPTD"), ("usual", "DELIVRD")]
    )
    assert told.index(("order", "DELIVRD")) < told.index(("order", "ACCEPTD"))


# -- a killed network ---------------------------------------------------------------------------------------------


async def test_a_killed_network_still_owes_the_receipts_of_an_account_under_the_same_ids(tmp_path):
    async with simulator_process(tmp_path) as mortal:
        esme = await Esme.bound(mortal)
        esme.answers_deliver_sm = False
        submitted = [await esme.submitted(number=number) for number in (NUMBER, "447700900940")]
        await esme.delivered()
        await mortal.kill()
        await mortal.start()

        stranger, again = await Esme.bound(mortal, "stranger"), await Esme.bound(mortal)
        receipts = [ReceiptText.decode(each.short_message) for each in await again.delivered(2)]
        status, told = await again.ask(Command.QUERY_SM, QuerySm(submitted[0][1]).encode())

        assert [each.id for each in receipts] == [message_id for _, message_id in submitted]
        assert (status, told.message_state) == (0, MessageState.DELIVERED)
        assert stranger.heard(Command.DELIVER_SM) == []
        assert len(await mortal.messages_of("+447700900940")) == 1
        for each in (esme, stranger, again):
            await each.leave()


# -- garbage -------------------------------------------------------------------------------------------------------


async def test_random_bytes_close_their_own_session_at_most(simulator, esme):
    seed = int(os.environ.get("FUZZ_SEED", "6"))
    chance = random.Random(seed)
    end = time.monotonic() + 3
    strangers = []
    whole = Sm(destination_addr=NUMBER, source_addr="82830", short_message=b"fuzzed").encode()
    while time.monotonic() < end:
        stranger = await (Esme.bound(simulator, "fuzz") if chance.random() < 0.5 else Esme.connect(simulator))
        for _ in range(chance.randrange(1, 30)):
            body = bytearray(chance.choice((whole, Bind("fuzz", "simulate").encode(), chance.randbytes(40))))
            for _ in range(chance.randrange(4)):
                body[chance.randrange(len(body))] = chance.randrange(256)
            command = chance.choice([*Command, chance.randrange(1 << 32)])
            octets = pdu(command, chance.randrange(1 << 32), bytes(body[: chance.randrange(len(body) + 1)]))
            stranger.writer.write(octets if chance.random() < 0.97 else chance.randbytes(50))
        strangers.append(stranger)
        if len(strangers) > 3:
            await strangers.pop(0).leave()

    assert (await esme.submitted())[0] == 0, f"seed {seed}"
    for stranger in strangers:
        await stranger.leave()
