"""With Valkey killed, what is said is kept; when it is back everybody hears of it once."""

from typing import Any

import requests

from tests.scenarios.outage import part_gone
from tests.scenarios.planning import open_environment
from tests.scenarios.stage import Stage

ENV = "unwoken"
WORDS: dict[str, Any] = {
    "kind": "free",
    "title_fr": "Dit sans réveil",
    "body_fr": "La caisse reste ouverte.",
    "title_en": "Said without a waker",
    "body_en": "The till stays open.",
    "outlets": ["people"],
    "roles": ["support", "release manager"],
    "places": "nowhere",
    "reason": "They must know",
}
MAILS = """
    SELECT d.id, d.status, d.attempts FROM notifications_delivery d JOIN notifications_event e ON e.id = d.event_id
    WHERE d.channel = 'email' AND e.url = %s ORDER BY d.id
"""


def test_announcement__said_while_valkey_is_away__reaches_each_reader_once_afterwards(stage: Stage) -> None:
    [token] = open_environment(stage, ENV, "manage")
    url, headers = f"{stage.tell('url')}/api/v1/announcements", {"Authorization": f"Bearer {token}"}
    with part_gone(stage, "valkey"):
        made = requests.post(url, json=WORDS, headers=headers, timeout=20)
        assert made.status_code == 201, made.text
        number = made.json()["id"]
        said = requests.post(f"{url}/{number}/publish", json={"reason": "Now"}, headers=headers, timeout=20)
        assert said.ok, said.text
        assert stage.mailbox.find(to="support", words="Dit sans réveil") is None
        assert stage.mailbox.find(to="manager", words="Said without a waker") is None

    def list_mails() -> list[dict[str, Any]]:
        return stage.ask(MAILS, f"/announcements/{number}/")

    stage.wait(lambda: (mails := list_mails()) and {one["status"] for one in mails} == {"sent"})
    mails = list_mails()
    received = [str(one["Message-ID"]) for one in stage.mailbox.received if _is_of_it(str(one["Subject"]))]
    assert sorted(received) == sorted(f"<delivery-{one['id']}@release-portal>" for one in mails)
    assert {one["attempts"] for one in mails} == {1}
    assert stage.tell("servers", "valkey") > 0


def _is_of_it(subject: str) -> bool:
    return WORDS["title_fr"] in subject or WORDS["title_en"] in subject
