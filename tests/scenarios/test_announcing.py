"""An announcement's whole story on a whole portal: written, read in both languages, put right, said at its time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tests.scenarios.people import Person
from tests.scenarios.planning import open_environment
from tests.scenarios.stage import Stage

ENV = "announced"
WORDS: dict[str, Any] = {
    "kind": "free",
    "environment": ENV,
    "title_fr": "Arrêt des caisses",
    "body_fr": "Les caisses s’arrêtent à 20 h.\nAppelez le {hotline}.",
    "title_en": "Tills stop",
    "body_en": "The tills stop at 8 pm.\nCall {hotline}.",
    "outlets": ["people"],
    "roles": ["support", "release manager"],
    "places": "nowhere",
}


def test_announcement__written_published_corrected_and_scheduled__reaches_everybody_once(stage: Stage) -> None:
    open_environment(stage, ENV)
    with stage.sign_in("manager") as manager, stage.sign_in("support") as support:
        manager.send("/language/", {"language": "en"}, seen_on="/")
        support.send("/language/", {"language": "fr"}, seen_on="/")
        manager.send(f"/announcements/hotlines/{ENV}/", {"phone": "01 99 88 77 66", "reason": "New line"})

        path = _write_and_publish(manager)
        _is_read_in_both_languages(stage, manager, support)
        _is_put_right_and_taken_back(stage, manager, support, path)
        _goes_out_at_its_time_once(stage)


def _write_and_publish(manager: Person) -> str:
    """The draft is kept, shown as it is read, and published with a reason; returns its page."""
    answer = manager.send("/announcements/new/", WORDS | {"do": "confirm"})
    path = answer.url.removeprefix(manager.url).removesuffix("confirm/")
    page = manager.read(f"{path}confirm/")
    assert "Call 01 99 88 77 66." in page
    assert "Appelez le 01 99 88 77 66." in page
    manager.send(f"{path}confirm/", {"reason": "Agreed with the shops"})
    assert "Agreed with the shops" in manager.read(path)
    return path


def _is_read_in_both_languages(stage: Stage, manager: Person, support: Person) -> None:
    assert "Les caisses s’arrêtent à 20 h." in support.read("/inbox/")
    assert "The tills stop at 8 pm." in manager.read("/inbox/")
    stage.wait(lambda: stage.mailbox.find(to="support", words="Arrêt des caisses"))
    mail = stage.mailbox.find(to="support", words="Arrêt des caisses")
    assert mail is not None
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "01 99 88 77 66" in plain.get_content()


def _is_put_right_and_taken_back(stage: Stage, manager: Person, support: Person, path: str) -> None:
    words = {name: WORDS[name] for name in ("title_fr", "title_en")}
    words |= {"body_fr": "Les caisses s’arrêtent à 21 h.", "body_en": "The tills stop at 9 pm."}
    notes = {"note_fr": "L’heure était fausse", "note_en": "The hour was wrong"}
    manager.send(f"{path}correct/", words | notes | {"do": "correct", "reason": "Wrong hour"})
    assert "Ce qui est rectifié\u00a0: L’heure était fausse" in support.read("/inbox/")
    assert "The tills stop at 8 pm." in manager.read(path)

    notes = {"note_fr": "Finalement non", "note_en": "Not after all"}
    manager.send(f"{path}do/withdraw/", notes | {"reason": "Called off"}, seen_on=path)
    assert "Finalement non" in support.read("/inbox/")
    told = stage.ask("SELECT kind, count(*) AS n FROM notifications_event WHERE url = %s GROUP BY kind", path)
    assert {row["kind"]: row["n"] for row in told} == {
        "announcement": 1,
        "announcement_corrected": 1,
        "announcement_withdrawn": 1,
    }


def _goes_out_at_its_time_once(stage: Stage) -> None:
    """A pipeline schedules one some seconds ahead; the worker says it, in time and once."""
    url = f"{stage.tell('url')}/api/v1/announcements"
    headers = {"Authorization": f"Bearer {stage.tell('demo', 'tokens', 'dev', 'manage')}"}
    wish = {name: words for name, words in WORDS.items() if name != "environment"}
    wish |= {"title_en": "From the pipeline", "title_fr": "Du pipeline", "reason": "Built"}
    made = requests.post(url, json=wish, headers=headers, timeout=20)
    assert made.status_code == 201, made.text
    due = datetime.now(UTC) + timedelta(seconds=5)
    number = made.json()["id"]
    given = {"reason": "At its time", "publish_at": due.isoformat()}
    assert (
        requests.post(f"{url}/{number}/publish", json=given, headers=headers, timeout=20).json()["status"]
        == "scheduled"
    )

    def find() -> list[datetime]:
        rows = stage.ask("SELECT created_at FROM notifications_event WHERE url = %s", f"/announcements/{number}/")
        return [row["created_at"] for row in rows]

    def read() -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{url}/{number}", headers=headers, timeout=20).json()
        return found

    stage.wait(find)
    assert due <= find()[0]
    # Its outlet has said it; that every outlet has is written a moment later.
    stage.wait(lambda: read()["status"] != "publishing")
    said = read()
    assert (said["status"], said["version"], len(find())) == ("published", 1, 1)
