"""A web process that starts while PostgreSQL is down serves flags and stream from the last good snapshot."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import requests

from tests.clients.flag_desk import ENV, serve_to_everyone, switch
from tests.scenarios.outage import part_gone, web_process
from tests.scenarios.stage import Stage

FLAG = "scrollable_tickets_v1_3"
EVERY_FLAG = "/ofrep/v1/evaluate/flags"
TIMEOUT_SECONDS = 60


def test_web__started_without_postgres__serves_flags_and_stream_then_hears_of_changes(stage: Stage) -> None:
    serve_to_everyone(stage, FLAG)
    switch(stage, FLAG, to="on")
    headers = {"Authorization": f"Bearer {stage.tell('demo', 'tokens', ENV, 'client')}"}
    with ExitStack() as stack:
        with part_gone(stage, "postgres"):
            url = stack.enter_context(web_process(stage))
            stage.wait(lambda: _is_alive(url))
            ready = requests.get(f"{url}/readyz", timeout=TIMEOUT_SECONDS)
            told = _ask(url, headers)
            path = told["eventStreams"][0]["endpoint"]["requestUri"]
            answer = stack.enter_context(requests.get(url + path, stream=True, timeout=TIMEOUT_SECONDS))
            events = _read_events(answer)
            first = next(events)

        switch(stage, FLAG, to="off")
        second = next(events)
        hints = {"flagConfigEtag": second["etag"], "flagConfigLastModified": str(second["lastModified"])}
        after = _ask(url, headers, hints)

    assert (ready.status_code, ready.json()["parts"]["database"]) == (503, False)
    assert _find(told)["value"] is True
    assert first["type"] == second["type"] == "refetchEvaluation"
    assert first["etag"] != second["etag"]
    assert (_find(after)["value"], _find(after)["reason"]) == (False, "DISABLED")


def _is_alive(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def _ask(url: str, headers: Mapping[str, str], hints: Mapping[str, str] | None = None) -> dict[str, Any]:
    answer = requests.post(
        url + EVERY_FLAG, json={"context": {}}, headers=headers, params=hints, timeout=TIMEOUT_SECONDS
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _find(told: Mapping[str, Any]) -> dict[str, Any]:
    return next(flag for flag in told["flags"] if flag["key"] == FLAG)


def _read_events(answer: requests.Response) -> Iterator[dict[str, Any]]:
    for line in answer.iter_lines():
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))
