"""An SMPP client by hand, for what no well-behaved one would show. Keeps every PDU it was sent; answers deliver_sm unless told not to."""

import asyncio
import itertools

from libs.common.smpp import (
    BadPdu,
    Bind,
    Command,
    Frames,
    Sm,
    decode,
    deliver_sm_resp,
    pdu,
)
from tests.integration.simulator.process import until

NUMBER = "447700900001"


class Esme:
    def __init__(self, reader, writer):
        self.writer, self.pdus, self.broken, self.closed = writer, [], b"", False
        self.answers_deliver_sm = self.shows_life = True
        self.sequences = itertools.count(1)
        self._reading = asyncio.create_task(self._read(reader))

    @classmethod
    async def connect(cls, simulator):
        return cls(*await asyncio.open_connection("127.0.0.1", simulator.smpp_port))

    @classmethod
    async def bound(cls, simulator, system_id="esme", command=Command.BIND_TRANSCEIVER, password="simulate"):
        esme = await cls.connect(simulator)
        status, _ = await esme.ask(command, Bind(system_id, password).encode())
        assert status == 0, hex(status)
        return esme

    async def _read(self, reader):
        frames = Frames()
        try:
            while data := await reader.read(65_536):
                for command, status, sequence, body in frames.feed(data):
                    self._receive(command, status, sequence, body)
        except ConnectionError:
            pass
        except Exception as error:  # what the far side sent is the test's to judge
            self.broken = repr(error)
        self.closed = True

    def _receive(self, command, status, sequence, body):
        try:
            read = decode(command, body)
        except BadPdu as bad:
            read = bad
        self.pdus.append((command, status, sequence, read))
        if command == Command.DELIVER_SM and self.answers_deliver_sm:
            self.writer.write(deliver_sm_resp(sequence))
        if command == Command.ENQUIRE_LINK and self.shows_life:
            self.writer.write(pdu(Command.ENQUIRE_LINK_RESP, sequence))

    def say(self, command, body=b"", sequence=None):
        sequence = next(self.sequences) if sequence is None else sequence
        self.writer.write(pdu(command, sequence, body))
        return sequence

    async def ask(self, command, body=b""):
        """The answer's status and body."""
        sequence = self.say(command, body)
        [[status, read]] = await until(lambda: self.answers_to(sequence))
        return status, read

    def answers_to(self, sequence):
        return [
            [status, read] for command, status, number, read in self.pdus if command & 0x80000000 and number == sequence
        ]

    def submit(self, text=b"hello", number=NUMBER, **fields):
        fields = {"registered_delivery": 1, "dest_addr_ton": 1, "source_addr": "82830"} | fields
        return self.say(Command.SUBMIT_SM, Sm(destination_addr=number, short_message=text, **fields).encode())

    async def submitted(self, *args, **fields):
        sequence = self.submit(*args, **fields)
        [[status, message_id]] = await until(lambda: self.answers_to(sequence))
        return status, message_id

    def heard(self, command):
        return [read for said, _, _, read in self.pdus if said == command]

    async def delivered(self, count=1):
        """The deliver_sm so far, once there are so many."""
        return await until(lambda: len(self.heard(Command.DELIVER_SM)) >= count and self.heard(Command.DELIVER_SM))

    async def leave(self):
        self.writer.close()
        await self._reading
