"""Runs one of Jasmin's daemons with TCP_NODELAY on its connections: `python -P without_nagle.py jasmind.py [its arguments]`, by Jasmin's Python.

Without it each text waits twice for a delayed TCP acknowledgement of RabbitMQ or of an SMPP peer, 40 ms, and 10,000 texts take half an hour.
"""

import runpy
import sys

from twisted.internet import tcp  # type: ignore[import-not-found]  # Jasmin's virtual environment has it

_as_it_was = tcp.Connection.__init__


def _without_nagle(self, *arguments, **named):  # type: ignore[no-untyped-def]
    _as_it_was(self, *arguments, **named)
    self.setTcpNoDelay(True)


tcp.Connection.__init__ = _without_nagle
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
