"""Structured logs on standard output, one JSON object a line: ids, never texts, tokens or whole numbers."""

from __future__ import annotations

import logging
import sys

import orjson
import structlog


def configure(service: str) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without the frames' locals: they are texts, tokens and numbers.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(serializer=lambda value, **_: orjson.dumps(value, default=str).decode()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format='{"logger":"%(name)s","event":"%(message)s"}')
    for chatty in ("aio_pika", "aiormq"):  # their reconnect chatter; our own log says when the bus comes and goes
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
