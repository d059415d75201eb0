"""heliograph migrate: brings databases to what this version needs. Safe at any time, by any number of operators at once."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from services.console.asking import AWAY, Trouble
from services.console.settings import MigrateSettings

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def migrate(
    services: Annotated[
        list[str], typer.Argument(metavar="[SERVICE]...", help="Which databases; all where none is named.")
    ] = [],  # noqa: B006  Typer copies it
) -> None:
    """Bring the services' databases to what this version needs. Reads HELIOGRAPH_DATABASE_URL_<SERVICE>."""
    databases = MigrateSettings().databases()
    for service in services or databases:
        if service not in databases:
            raise Trouble(f"{service} has no database; these have: {', '.join(databases)}")
        if not databases[service]:
            raise Trouble(f"HELIOGRAPH_DATABASE_URL_{service.upper()} is not set", AWAY)
        applied = asyncio.run(_migrate(service, databases[service]))
        typer.echo(f"{service}: {', '.join(applied) or 'up to date'}")


async def _migrate(service: str, dsn: str) -> list[str]:
    import asyncpg

    from libs.common.db import migrator

    try:
        return await migrator.migrate(dsn, service)
    except migrator.MigrationChanged as error:
        raise Trouble(str(error)) from error
    except TimeoutError as error:
        raise Trouble(f"{service}: its database does not answer, or another migration is taking long", AWAY) from error
    except (OSError, asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        raise Trouble(f"{service}: its database does not let us in: {error}", AWAY) from error
