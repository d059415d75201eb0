"""An SMSC that does what a test tells it: the far side of the SMPP client's odd corners. Real sockets, our codec, no rules of its own.

It keeps every PDU it was sent. `on_submit` may be replaced: it gets the connection, the sequence number and the submit_sm, and answers or does not.
"""

import asyncio
import itertools
from collections import Counter

from libs.common.smpp import (
    RESPONSE,
    BindResp,
    Command,
    Frames,
    QuerySmResp,
    Sm,
    Status,
    decode,
    pdu,
    submit_sm_resp,
)


class Smsc:
    def __init__(self):
        self.bind_status = Status.ESME_ROK
        self.answers_binds = self.answers_links = self.answers_unbinds = True
        self.on_submit = self.accept
        self.states = {}  # message id -> QuerySmResp
        self.connections, self.binds, self.submits, self.unbinds = [], [], [], 0
        self.links = 0
        self._ids = itertools.count(1)
        self._server = None

    async def start(self, ssl=None):
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", 0, ssl=ssl)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self):
        for connection in self.connections:
            connection.abort()
        self._server.close()

    @property
    def connection(self):
        return self.connections[-1]

    @property
    def texts(self):
        return [sm.short_message for sm in self.submits]

    def accept(self, connection, sequence, sm):
        connection.send(submit_sm_resp(sequence, f"id-{next(self._ids)}"))

    def answer_nothing(self, connection, sequence, sm):
        pass

    def answer_with(self, status):
        def on_submit(connection, sequence, sm):
            connection.send(submit_sm_resp(sequence, "", status))

        return on_submit


class Connection(asyncio.Protocol):
    def __init__(self, smsc):
        self.smsc, self.frames, self.commands = smsc, Frames(), Counter()
        self.lost = asyncio.get_running_loop().create_future()
        self.answers = {}  # sequence number of what we asked -> (command, status)
        self.octets = 0
        self._sequence = itertools.count(1)

    def connection_made(self, transport):
        self.transport = transport
        self.smsc.connections.append(self)

    def connection_lost(self, exc):
        self.lost.set_result(exc)

    def data_received(self, data):
        self.octets += len(data)
        for command, status, sequence, body in self.frames.feed(data):
            self.commands[command] += 1
            self.take(command, status, sequence, decode(command, body))

    def take(self, command, status, sequence, value):
        smsc = self.smsc
        match command:
            case Command.BIND_TRANSCEIVER | Command.BIND_TRANSMITTER | Command.BIND_RECEIVER:
                smsc.binds.append((command, value))
                if smsc.answers_binds:
                    body = b"" if smsc.bind_status else BindResp("scripted").encode()
                    self.send(pdu(command | RESPONSE, sequence, body, smsc.bind_status))
            case Command.SUBMIT_SM:
                smsc.submits.append(value)
                smsc.on_submit(self, sequence, value)
            case Command.QUERY_SM:
                answer = smsc.states.get(value.message_id)
                status = Status.ESME_ROK if answer else Status.ESME_RQUERYFAIL
                self.send(pdu(Command.QUERY_SM_RESP, sequence, answer.encode() if answer else b"", status))
            case Command.ENQUIRE_LINK:
                smsc.links += 1
                if smsc.answers_links:
                    self.send(pdu(Command.ENQUIRE_LINK_RESP, sequence))
            case Command.UNBIND:
                smsc.unbinds += 1
                if smsc.answers_unbinds:
                    self.send(pdu(Command.UNBIND_RESP, sequence))
            case _ if command & RESPONSE:
                self.answers[sequence] = (command, status)

    def send(self, octets):
        self.transport.write(octets)

    def ask(self, command, body=b""):
        """Answers the sequence number, by which `answers` keeps what comes back."""
        sequence = next(self._sequence)
        self.send(pdu(command, sequence, body))
        return sequence

    def deliver(self, sm):
        return self.ask(Command.DELIVER_SM, sm.encode())

    def abort(self):
        self.transport.abort()


def text_in(body=b"hello", coding=0, **fields):
    return Sm("", 1, 1, "447700900001", 3, 0, "82830", data_coding=coding, short_message=body, **fields)


def receipt_in(message_id, stat="DELIVRD", err="000", **fields):
    body = f"id:{message_id} sub:001 dlvrd:001 submit date:2611241159 done date:2611241200 stat:{stat} err:{err} text:x"
    return Sm("", 1, 1, "447700900001", 3, 0, "82830", esm_class=0x04, short_message=body.encode("latin-1"), **fields)


def state(message_id, message_state, error_code=0):
    return QuerySmResp(message_id, "261124120000000+", message_state, error_code)
