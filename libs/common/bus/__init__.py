"""The bus: asks and answers, events and broadcasts over RabbitMQ. The only place that imports aio_pika, whose defaults it hides.

connection.py the wire; registry.py who may ask what; ask.py the asking side, answer.py the answering side; consume.py events in; publish.py events out.
"""

from libs.common.bus.ask import Asker, Unanswered
from libs.common.bus.connection import Bus
from libs.common.bus.registry import (
    Asked,
    Commands,
    Events,
    Queries,
    anyone,
    each,
    each_read,
    only,
    operator,
    user,
    user_or_console,
)

__all__ = [
    "Asked",
    "Asker",
    "Bus",
    "Commands",
    "Events",
    "Queries",
    "Unanswered",
    "anyone",
    "each",
    "each_read",
    "only",
    "operator",
    "user",
    "user_or_console",
]
