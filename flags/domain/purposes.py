"""What a token opens: one purpose each (contracts §2)."""

from enum import StrEnum


class Purpose(StrEnum):
    SERVER = "server"
    CLIENT = "client"
    TELEMETRY = "telemetry"
    MANAGE = "manage"
