"""What an SMPP carrier's paper says about a bind. Each field is something in which real carriers differ; the defaults are what most of them want."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

ASCII = r"^[\x20-\x7E]*$"


class SmppSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1)
    port: int = Field(2775, ge=1, le=65535)
    system_id: str = Field(min_length=1, max_length=15, pattern=ASCII, description="The account.")
    password: SecretStr = Field(max_length=8, description="At most 8 characters (SMPP 3.4, 4.1.1).")
    system_type: str = Field("", max_length=12, pattern=ASCII)
    addr_range: str = Field("", max_length=40, pattern=ASCII, description="Whose texts come in over this bind.")
    mode: Literal["transceiver", "transmitter+receiver"] = Field(
        "transceiver", description="One connection for both directions, or one for each."
    )
    binds: int = Field(1, ge=1, le=32, description="Sessions that may be open at a time, over all processes.")
    tls: bool = False
    tls_ca_file: str = Field("", description="Of who signs the carrier's certificate, where the system does not know.")
    tls_verify: bool = Field(True, description="False: encrypted, but nobody proves to be the carrier.")

    window: int = Field(50, ge=1, le=1000, description="Parts without an answer.")
    parts_per_s: float | None = Field(None, gt=0, description="The contract's rate in segments, over all binds.")
    enquire_link_s: float = Field(
        20.0, gt=0, le=3600, description="So long in silence, then a sign of life is asked for."
    )
    silence_limit_s: float = Field(
        60.0, gt=0, le=3600, description="After so long in silence the far side ends a session, and so do we."
    )
    # The ledger waits 12 s for the answers of a dead worker's claim (submitting/loop.py, ANSWER_GRACE_S).
    answer_limit_s: float = Field(10.0, gt=0, le=10, description="No answer to a part after so long: it is in doubt.")

    number_ton: int = Field(1, ge=0, le=255, description="Of handsets and of senders that are numbers.")
    number_npi: int = Field(1, ge=0, le=255)
    short_code_ton: int = Field(3, ge=0, le=255)
    short_code_npi: int = Field(0, ge=0, le=255)
    alphanumeric_ton: int = Field(5, ge=0, le=255)
    alphanumeric_npi: int = Field(0, ge=0, le=255)
    alphanumeric_senders: bool = Field(True, description="Whether the carrier takes names as senders.")

    default_alphabet: Literal["gsm", "latin1"] = Field(
        "gsm", description="What data_coding 0 means there, both ways: GSM 03.38 (one septet an octet) or Latin-1."
    )
    gsm_data_coding: Literal[0, 1, 3] = Field(
        0, description="In which data_coding texts of the GSM alphabet go: 0 default, 1 ASCII, 3 Latin-1."
    )
    long: Literal["udh8", "udh16", "sar", "payload"] = Field(
        "udh8", description="How the parts of a long text say so; payload: it goes whole, and the carrier cuts it."
    )
    receipt_ids: Literal["same", "hex_to_dec", "dec_to_hex"] = Field(
        "same", description="hex_to_dec: an answer gives an id in hexadecimal, and its receipts the same in decimal."
    )
    receipt_errors: Literal["own", "map"] = Field(
        "own",
        description="Whether err in a receipt's text is the carrier's own, or MAP's (3GPP TS 29.002): 001, 027...",
    )
    query: bool = Field(False, description="Whether the carrier answers query_sm.")

    @model_validator(mode="after")
    def _signs_of_life_before_silence(self) -> "SmppSettings":
        if self.enquire_link_s >= self.silence_limit_s:
            raise ValueError("enquire_link_s must be below silence_limit_s")
        return self

    @field_validator("password")
    @classmethod
    def _password_in_ascii(cls, password: SecretStr) -> SecretStr:
        if not password.get_secret_value().isascii() or "\0" in password.get_secret_value():
            raise ValueError("ASCII only")
        return password
