"""heliograph text preview: a text is told to an operator, part by part."""

from __future__ import annotations

import pytest

from services.messaging.__main__ import SERVICE as MESSAGING
from tests.harness import running
from tests.infra import Infra
from tests.integration.console.conftest import Heliograph
from tests.integration.simulator.process import simulator_process

SAID = """\
2 parts, Unicode: 72 units of UTF-16, 62 of 67 left in the last part
  1  67 characters, 67 units of UTF-16: '’xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'
  2  5 characters, 5 units of UTF-16: 'xxxx…'
Unicode for '’' (RIGHT SINGLE QUOTATION MARK) at 0: "'" says the same
Unicode for '…' (HORIZONTAL ELLIPSIS) at 71: '...' says the same
could be sent as:
1 part, GSM: 74 septets, 86 of 160 left in the last part
  1  74 characters, 74 septets: "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
"""


async def test_a_preview_tells_parts_foreign_characters_and_what_could_stand_for_them(
    infra: Infra, heliograph: Heliograph, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with (
        simulator_process(tmp_path_factory.mktemp("far_side")) as far_side,
        running(infra, MESSAGING, simulator_url=f"tcp://127.0.0.1:{far_side.carrier_port}"),
    ):
        plain = await heliograph.done("text", "preview", f"’{'x' * 70}…")
        emoji = await heliograph.done("text", "preview", "🎉 Text STOP to 82830", "--from", "Heliograph")
        empty = await heliograph("text", "preview", " ")

    assert plain == SAID
    assert emoji.splitlines()[2:] == [
        "Unicode for '🎉' (PARTY POPPER) at 0: nothing says the same",
        "tells how to stop",
    ]
    assert (empty.code, empty.out) == (1, "")
    assert "text_empty" in empty.err
