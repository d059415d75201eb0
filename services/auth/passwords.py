"""Passwords: argon2id, 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet, 2024): some 27 ms each, on purpose.

Hashing runs in two threads of its own, however many ask: it cannot take the processor or the memory from everything else. Never logs, keeps or
compares a password in any other way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

WORKERS = 2


class Passwords:
    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="argon2")
        self._nobodys = self._hasher.hash("nobody's password")

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def hashed(self, passwords: Sequence[str]) -> list[str]:
        """Each as argon2's own string, with its salt and cost."""
        loop = asyncio.get_running_loop()
        return await asyncio.gather(
            *(loop.run_in_executor(self._pool, self._hasher.hash, password) for password in passwords)
        )

    async def right(self, guesses: Sequence[tuple[str, str | None]]) -> list[bool]:
        """Whether each password is the hash's. A user who is not there (None) costs the same time as one who is."""
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(self._pool, self._is_right, *guess) for guess in guesses))

    def _is_right(self, password: str, hashed: str | None) -> bool:
        try:
            return self._hasher.verify(hashed or self._nobodys, password) and hashed is not None
        except VerificationError:
            return False
