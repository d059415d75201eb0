"""What the gateway is told."""

from __future__ import annotations

from pydantic import Field

from libs.common.settings import BusSettings


class GatewaySettings(BusSettings):
    http_host: str = Field("127.0.0.1", description="Where clients reach the gateway; 0.0.0.0 in a container.")
    http_port: int = Field(8080, description="Port of the documented surface and of /v2; 0 takes any free one.")
