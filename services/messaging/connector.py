"""`python -m services.messaging.connector`: the process that holds carriers' binds. Wiring, nothing else.

It answers nothing and hears no event: it claims, submits and takes receipts for the carriers of which one process at a time may hold a session.
Any number may run; each bind is one's, and another's within seconds when its owner is gone.
"""

from __future__ import annotations

from libs.common.service import Service, run
from services.messaging.app import compose_bound
from services.messaging.connections import loop as connections
from services.messaging.connections.rules import IDLE_S
from services.messaging.doubts import loop as doubts
from services.messaging.routing import loop as routing
from services.messaging.settings import MessagingSettings
from services.messaging.submitting.telling import TELL

SERVICE = Service(
    name="messaging",
    settings=MessagingSettings,
    compose=compose_bound,
    idle_s=IDLE_S,
    loops=[connections.LOOP, routing.SHIFT, doubts.ASK, TELL],
)

if __name__ == "__main__":
    run(SERVICE)
