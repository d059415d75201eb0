"""The metrics every service has. Labels name kinds and outcomes, never numbers, tokens or texts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ITEMS = (1, 2, 5, 10, 20, 50, 100, 200, 500)

ASKED = Counter("heliograph_asked_total", "Items asked of other services", ["kind", "outcome"])
ASK_SECONDS = Histogram("heliograph_ask_seconds", "From asking to the answer", ["kind"], buckets=SECONDS)
FOLD_ITEMS = Histogram("heliograph_fold_items", "Items that travelled together", ["kind"], buckets=ITEMS)
ANSWERED = Counter("heliograph_answered_total", "Items answered", ["kind", "outcome"])
CONSUMED = Counter("heliograph_consumed_total", "Events consumed", ["type", "outcome"])
CONSUME_SECONDS = Histogram("heliograph_consume_seconds", "Handling of one event", ["type"], buckets=SECONDS)
DEAD = Counter("heliograph_dead_letters_total", "Events given up, by reason", ["reason"])
PUBLISHED = Counter("heliograph_published_total", "Events confirmed by the broker", ["type"])
OUTBOX_BATCH = Histogram("heliograph_outbox_batch", "Events the relay found waiting", buckets=(0, *ITEMS))
COMMITS_UNKNOWN = Counter("heliograph_commits_unknown_total", "Connections lost during COMMIT")
LOOP_STEPS = Counter("heliograph_loop_steps_total", "Steps of a loop", ["loop", "outcome"])
LOOP_SECONDS = Histogram("heliograph_loop_seconds", "One step of a loop", ["loop"], buckets=SECONDS)
READY = Gauge("heliograph_ready", "1 while the process is ready")
