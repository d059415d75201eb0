"""One private PostgreSQL: made, started, given its roles and databases, stopped.

Owns its data folder. Listens on the loopback only, with passwords, without a unix socket. Never touches the system's clusters.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.native.processes import last_lines, run_as
from deploy.native.terminal import Trouble

OS_USER = "postgres"  # PostgreSQL refuses to run as root
MAJOR_MIN = 15
SUPERUSER = "postgres"
START_LIMIT_S = 60

# 2 cores and a few GB, most of it left to the services and the broker. A failing statement is logged without its values: texts and
# numbers stay out of the log. After a crash one syncfs instead of an fsync of every file of every database: 0.1 s against 5 s of a busy machine
# (2026-11-30, bench_peer --only kill).
CONFIGURATION = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 400
password_encryption = 'scram-sha-256'
shared_buffers = {shared_buffers}
effective_cache_size = 2GB
maintenance_work_mem = 128MB
work_mem = 8MB
fsync = {on}
synchronous_commit = {on}
full_page_writes = {on}
recovery_init_sync_method = syncfs
wal_compression = lz4
min_wal_size = {min_wal_size}
max_wal_size = 4GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
autovacuum_naptime = 10s
autovacuum_vacuum_cost_limit = 2000
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_checkpoints = off
log_error_verbosity = terse
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""

ROLE_AND_DATABASE = """
SELECT 'CREATE ROLE {name} LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') \\gexec
ALTER ROLE {name} PASSWORD '{password}';
SELECT 'CREATE DATABASE {name} OWNER {name}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec
REVOKE ALL ON DATABASE {name} FROM PUBLIC;
"""

SHUT_THE_OTHERS = """
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;
"""


def services_script(passwords: Mapping[str, str]) -> str:
    """For psql, as the superuser: a role and a database for each service, each named like it."""
    services = (ROLE_AND_DATABASE.format(name=name, password=password) for name, password in passwords.items())
    return SHUT_THE_OTHERS + "".join(services)


def find_binaries() -> Path | None:
    """The newest installed server that is new enough."""
    found = {
        int(match[1]): path.parent
        for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")
        if (match := re.fullmatch(r"(\d+)", path.parent.parent.name)) and int(match[1]) >= MAJOR_MIN
    }
    if found:
        return found[max(found)]
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@dataclass(frozen=True, slots=True)
class Postgres:
    data: Path
    port: int
    password: str  # of the superuser
    log: Path
    durable: bool = True  # False only for tests that never pull the plug

    def dsn(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def admin_dsn(self, database: str = "postgres") -> str:
        return self.dsn(SUPERUSER, self.password, database)

    def start(self) -> None:
        """Makes the data folder if there is none; answers when connections are accepted."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        (self.data / "postgresql.conf").write_text(
            CONFIGURATION.format(
                port=self.port,
                on="on" if self.durable else "off",
                shared_buffers="512MB" if self.durable else "128MB",
                min_wal_size="512MB" if self.durable else "80MB",
            )
        )
        with self.log.open("ab") as output:
            done = subprocess.run(
                [*self._pg_ctl(), "start", "--wait", f"--timeout={START_LIMIT_S}", "--silent"],
                cwd=self.data,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                **run_as(OS_USER),
            )
        if done.returncode != 0:
            raise Trouble(f"PostgreSQL did not start on port {self.port}; its log ends so:\n{last_lines(self.log)}")

    def pid(self) -> int | None:
        """Of its postmaster, if it runs."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, IndexError, ValueError):
            return None
        return pid if str(self.data).encode() in command else None

    def stop(self, mode: str = "fast") -> None:
        """`fast` cuts the sessions and writes a checkpoint; `immediate` is a crash, for tests."""
        if self.pid() is None:
            return
        subprocess.run(
            [*self._pg_ctl(), "stop", "--wait", f"--mode={mode}", "--timeout=120", "--silent"],
            cwd=self.data,
            env=environment(),
            check=True,
            **run_as(OS_USER),
        )

    def make_services(self, passwords: Mapping[str, str]) -> None:
        """A role and a database for each service, each named like it; nobody else may connect there. Repeatable."""
        self.sql(services_script(passwords))

    def sql(self, script: str, database: str = "postgres") -> str:
        """Runs a psql script as the superuser and answers what it printed, unaligned. Stops at the first error."""
        done = subprocess.run(
            [
                str(_binaries() / "psql"),
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                self.admin_dsn(database),
            ],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Trouble(f"PostgreSQL refused: {done.stderr.strip()}")
        return done.stdout.strip()

    def _initialise(self) -> None:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        password_file = self.data.with_name(f"{self.data.name}.password")
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if run_as(OS_USER):
            shutil.chown(self.data, OS_USER, OS_USER)
            shutil.chown(password_file, OS_USER, OS_USER)
        try:
            self._initdb(["--no-sync"] if not self.durable else [], password_file)
        finally:
            password_file.unlink()

    def _initdb(self, extra: Sequence[str], password_file: Path) -> None:
        options = ["-D", str(self.data), "-U", SUPERUSER, f"--pwfile={password_file}", "--auth=scram-sha-256"]
        done = subprocess.run(
            [str(_binaries() / "initdb"), *options, "--encoding=UTF8", "--locale=C.UTF-8", *extra],
            cwd=self.data,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            **run_as(OS_USER),
        )
        if done.returncode != 0:
            raise Trouble(f"initdb could not make {self.data}:\n{done.stderr.strip()}")

    def _pg_ctl(self) -> list[str]:
        return [str(_binaries() / "pg_ctl"), "-D", str(self.data)]


def _binaries() -> Path:
    if binaries := find_binaries():
        return binaries
    raise Trouble(f"PostgreSQL {MAJOR_MIN} or newer is not installed")


def environment() -> dict[str, str]:
    """Nothing of the caller's PG* variables, which would lead astray."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}
