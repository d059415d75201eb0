"""PostgreSQL for one service: pool, transaction, outbox, inbox, migrator. The only place that makes asyncpg connections."""

from libs.common.db.pool import AWAY, IDLE_S, CommitUnknown, Database, Tx

__all__ = ["AWAY", "IDLE_S", "CommitUnknown", "Database", "Tx"]
