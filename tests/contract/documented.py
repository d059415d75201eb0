"""What the documentation says, as a fixture: all 46 operations, and the samples of the pages that are known.

Owns `documented.json`, written down from the pages and independent of the gateway's own table. Never imports that table.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

DOCUMENTED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "documented.json").read_text())

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,7}\+0[01]:00")


def without_dates(sample: str) -> str:
    """The pages show the time at which they were made."""
    return DATE.sub("(date)", sample)
