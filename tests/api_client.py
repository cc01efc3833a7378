"""Calls the REST API as a program does: with a token, over the whole of Django."""

from typing import Any

from django.test import Client

from flags.domain.purposes import Purpose
from tests.factories.world import World

PREFIX = "/api/v1"


class Program:
    """A program with one token."""

    def __init__(self, raw: str) -> None:
        self._client = Client(headers={"authorization": f"Bearer {raw}"}, raise_request_exception=False)

    def get(self, path: str, **query: Any) -> Any:
        """Return the answer to a GET below /api/v1."""
        return self._client.get(PREFIX + path, query)

    def post(self, path: str, body: Any = None, **given: Any) -> Any:
        """Return the answer to a POST of JSON; without a body of what is given by name."""
        return self._client.post(PREFIX + path, body if body is not None else given, content_type="application/json")


def program_of(world: World, purpose: Purpose = Purpose.MANAGE) -> Program:
    """Return a program with a token of the world's environment."""
    return Program(world.tokens[purpose][1])
