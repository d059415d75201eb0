"""What the command line is told, from the same environment as the services. Each command reads only what it needs."""

from __future__ import annotations

from pydantic import Field

from libs.common.settings import BusSettings, Settings


class ConsoleSettings(BusSettings):
    """The broker user is `console`'s own: the services know by it that an operator of this machine asks."""


class MigrateSettings(Settings):
    """Each database as its owner. Only `heliograph migrate` needs them, so only it need be told."""

    database_url_auth: str = Field("", description="auth's database, as the role auth.")
    database_url_messaging: str = Field("", description="messaging's database, as the role messaging.")
    database_url_inbound: str = Field("", description="inbound's database, as the role inbound.")
    database_url_phonelist: str = Field("", description="phonelist's database, as the role phonelist.")
    database_url_campaign: str = Field("", description="campaign's database, as the role campaign.")

    def databases(self) -> dict[str, str]:
        return {
            "auth": self.database_url_auth,
            "messaging": self.database_url_messaging,
            "inbound": self.database_url_inbound,
            "phonelist": self.database_url_phonelist,
            "campaign": self.database_url_campaign,
        }


class SubscriberSettings(BusSettings):
    management_url: str = Field(
        description="RabbitMQ's management interface, as an administrator: http://user:password@host:port."
    )
