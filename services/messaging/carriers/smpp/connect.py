"""Binding: the one session of a transceiver, or the two of a transmitter and a receiver, from the settings to bound.

Owns how a carrier is reached and what people are told where that fails. Holds nothing: the client keeps the sessions.
"""

import asyncio
import os
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from libs.common.smpp import Bind, Command
from services.messaging.carriers.smpp.session import Life, Receive, Session
from services.messaging.carriers.smpp.settings import SmppSettings

BIND_LIMIT_S = 10.0  # from connecting to bound


def new_sessions(
    settings: SmppSettings, life: Life, sequence: Callable[[], int], receive: Receive, writable: Callable[[], None]
) -> tuple[Session, ...]:
    """Not connected yet. The first one is written to."""
    commands: tuple[Command, ...] = (Command.BIND_TRANSCEIVER,)
    if settings.mode == "transmitter+receiver":
        commands = (Command.BIND_TRANSMITTER, Command.BIND_RECEIVER)
    bind = Bind(
        settings.system_id,
        settings.password.get_secret_value(),
        settings.system_type,
        address_range=settings.addr_range,
    )
    return tuple(Session(command, bind, life, sequence, receive, writable) for command in commands)


async def connect(settings: SmppSettings, sessions: Sequence[Session]) -> str:
    """'' when all of them are bound, else why one is not."""
    where = f"{settings.host}:{settings.port}"
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(BIND_LIMIT_S):
            for session in sessions:
                await loop.create_connection(
                    lambda session=session: session, settings.host, settings.port, ssl=_tls(settings)
                )
                first: list[asyncio.Future[Any]] = [session.bound, session.ended]
                await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
                if session.ended.done():
                    return session.ended.result()
    except TimeoutError:
        return f"not connected: no answer to the bind from {where} within {BIND_LIMIT_S:g} s"
    except ConnectionError as error:
        return f"not connected to {where}: {os.strerror(error.errno or 0)}"
    except OSError as error:  # no such host, or what TLS does not like
        return f"not connected to {where}: {error}"
    return ""


def _tls(settings: SmppSettings) -> ssl.SSLContext | None:
    if not settings.tls:
        return None
    context = ssl.create_default_context(cafile=settings.tls_ca_file or None)
    if not settings.tls_verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
