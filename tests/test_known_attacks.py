"""Known attacks × every field × every page, mail, feed and export: nothing that people or programs write acts anywhere.

tests/vectors/attacks.jsonl has the attacks, each with its reason. tests/hostile finds the fields and the pages by
itself and judges what they answer, each beside the same answer with harmless text of the same shape.
docs/explanation/hostile-text.md says where the portal makes text harmless.
"""

import io
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import quote

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.urls import reverse

from core import clock
from core.actors import Actor, ActorKind
from core.logs import OneLine
from core.models import User
from core.roles import Role
from notifications.courier import compose
from notifications.models import Delivery, Event
from notifications.words import WORDS
from tests.hostile.attacks import MARK, Texts, read_attacks
from tests.hostile.feeding import (
    FITTING,
    KEPT,
    KEPT_NAMES,
    NAMED_BY_OTHERS,
    UNMADE,
    feed,
    list_models,
    list_text_fields,
    name_of,
)
from tests.hostile.files import judge
from tests.hostile.messages import replace_words
from tests.hostile.staging import VERSION, Scene, build
from tests.hostile.walking import find_pages, list_admin_pages, list_api_paths
from tests.notifications.test_courier import DATA
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

#: Who looks, in which language, as a page or as a part of one, at each page or at one of so many. Each sees other
#: attacks in the short fields; whoever comes later sees the same templates, with other buttons.
LOOKS = [
    (Role.ADMIN, "en", False, 1),
    (Role.ADMIN, "fr", True, 3),
    (Role.RELEASE_MANAGER, "fr", False, 3),
    (Role.SUPPORT, "en", False, 3),
    (Role.AUDITOR, "en", False, 3),
]
#: Fields whose words are on no page, in no file and in no answer; what events hold is read in mails, below.
SHOWN_NOWHERE = {
    "announcements.AnnouncementVersion.hotline",
    "notifications.Event.data",
    "health.Decision.threshold",
    "health.LatencyHour.transaction",
    "health.LatencyMinute.transaction",
    "health.SentryReceipt.request_id",
    "health.StoredVerdict.threshold",
    "health.TillMinute.till",
    "health.UsualLatency.transaction",
    "incidents.AlertClaim.fingerprint",
    "incidents.AlertClaim.name",
    "incidents.IncidentUpdate.one_language_reason",
    "incidents.TimelineEntry.source",
    "rollouts.FeedbackText.text",
    "rollouts.StepFault.last_error",
}
#: What a stranger may read.
OPEN = ("/post-mortems/", "/feedback/", "/problem/", "/calendar/", "/schemas/", "/account/")
#: Found by what every text ends with.
SEARCHES = ("/search/?q=zq", "/complaints/?text=zq", "/flags/?q=zq", "/rollouts/?q=zq", "/incidents/?q=zq")
#: Lines of a mail of ours, as somebody else would write them.
FORGED = re.compile(r"Open in the portal — https://evil|Bcc:")
HTML = re.compile(r"<[a-z!/?]|\"", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    status: int
    kind: str
    body: str
    headers: Mapping[str, str]

    @property
    def file_name(self) -> str:
        """What an answer is to be kept as, with every number alike."""
        return re.sub(r"\d+", "9", self.headers.get("Content-Disposition", ""))


@dataclass
class Look:
    """What somebody saw, by address, and the texts that were in it."""

    texts: Texts
    answers: dict[str, Answer] = field(default_factory=dict)

    def list_shown(self) -> set[str]:
        """Return the names of the fields whose words were on some page."""
        numbers = {int(one) for answer in self.answers.values() for one in MARK.findall(answer.body)}
        return {name for name, number in self.texts.fields.items() if number in numbers}


@pytest.fixture
def scene() -> Iterator[Scene]:
    now = clock.now()
    with time_machine.travel(now, tick=False):
        yield build(now=now)


def _feed(scene: Scene, texts: Texts) -> None:
    user_id = scene.people[Role.ADMIN].pk
    feed(texts, by=lambda: Actor(ActorKind.USER, texts.say("core.Actor.label", room=200), user_id))


def _read(client: Client, path: str, *, is_part: bool) -> Answer:
    method, _space, address = path.rpartition(" ")
    headers = {"HX-Request": "true"} if is_part else {}
    answer = (client.post if method == "POST" else client.get)(address, headers=headers)
    body = answer.getvalue()
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    return Answer(answer.status_code, kind, "" if kind.startswith("image/") else body.decode(), dict(answer.headers))


def _look(scene: Scene, client: Client, paths: Iterable[str], texts: Texts, *, is_part: bool = False) -> Look:
    """Write the texts everywhere, look at every page, and take everything back."""
    look = Look(texts)
    with transaction.atomic():
        _feed(scene, texts)
        scene.world.release.refresh_from_db()
        version = quote(scene.world.release.version, safe="")
        for path in paths:
            look.answers[path] = _read(client, path.replace(VERSION, version), is_part=is_part)
        transaction.set_rollback(True)
    return look


def _judge(look: Look, twin: Look, *, sees_all: bool) -> list[str]:
    """Return what is wrong with what was seen, each beside its harmless twin."""
    faults = []
    for path, seen in look.answers.items():
        other = twin.answers[path]
        if (seen.status, seen.kind, seen.headers.keys()) != (other.status, other.kind, other.headers.keys()):
            faults.append(f"{path}: answers {seen.status} {seen.kind} {seen.headers.keys() ^ other.headers.keys()}")
            continue
        if sees_all and seen.status != 200:
            faults.append(f"{path}: answers {seen.status}")
        if seen.file_name != other.file_name:
            faults.append(f"{path}: a file named {seen.file_name}")
        if seen.headers.get("X-Content-Type-Options") != "nosniff":
            faults.append(f"{path}: may be sniffed")
        if seen.kind == "text/html" and "script-src 'self'" not in seen.headers.get("Content-Security-Policy", ""):
            faults.append(f"{path}: no policy")
        if seen.body:
            faults += [f"{path}: {fault}" for fault in judge(seen.kind, seen.body, other.body)]
    return faults


def test_attacks__in_every_field__act_on_no_page_and_in_no_file(scene: Scene) -> None:
    admin = sign_in_as(scene.people[Role.ADMIN])
    found, unfound = find_pages(admin, scene.list_candidates())
    pages = [path for paths in found.values() for path in paths] + [
        *SEARCHES,
        f"POST {reverse('admin:changes_export')}",
    ]
    stranger, program = Client(), Client(headers={"authorization": f"Bearer {scene.token}"})
    api, records = list(list_api_paths(scene.list_candidates())), list(list_admin_pages())
    open_to_all = [path for path in pages if path.startswith(OPEN)]
    faults, fed, shown = unfound, set[str](), set[str]()

    for turn, (role, language, is_part, every) in enumerate(LOOKS):
        client = sign_in_as(scene.people[role], language=language)
        asked = [(client, pages[turn % every :: every] + (records if role is Role.AUDITOR else []))]
        asked += [(program, api), (stranger, open_to_all)] if not turn else []
        for caller, paths in asked:
            twin, seen = (
                _look(scene, caller, paths, Texts(turn, is_harmless=is_harmless), is_part=is_part)
                for is_harmless in (True, False)
            )
            sees_all = role is Role.ADMIN and caller is not stranger
            faults += [f"{role}: {fault}" for fault in _judge(seen, twin, sees_all=sees_all)]
            fed |= seen.texts.fields.keys()
            shown |= seen.list_shown()

    assert faults == []
    assert _list_unread(fed, shown) - SHOWN_NOWHERE == set()


def _list_unread(fed: set[str], shown: set[str]) -> set[str]:
    """Return the fields that were written and read nowhere; of JSON the whole column."""
    columns = [{".".join(name.split(".")[:3]) for name in names} for names in (fed, shown)]
    return columns[0] - columns[1]


def test_attacks__in_every_mail__add_no_header_no_line_and_no_element() -> None:
    faults = []

    for language in ("en", "fr"):
        reader = User(email="ana@example.org", language=language)
        for kind in WORDS:
            seen, twin = (_write_mail(kind, reader, Texts(0, is_harmless=is_harmless)) for is_harmless in (False, True))
            if seen.keys() != twin.keys():
                faults.append(f"{kind}: other headers {seen.keys()}")
            parts = zip(seen.walk(), twin.walk(), strict=True)
            for part, other in parts:
                if part.get_content_type() == "text/html":
                    faults += [
                        f"{kind}: {fault}" for fault in judge("text/html", part.get_content(), other.get_content())
                    ]
                elif part.get_content_type() == "text/plain":
                    faults += [f"{kind}: {line!r}" for line in part.get_content().splitlines() if FORGED.match(line)]

    assert faults == []


def _write_mail(kind: str, reader: User, texts: Texts) -> EmailMessage:
    """Return a mail as its reader's program reads it, with words of people's in the place of every word."""
    data = {name: replace_words(name, value, texts) for name, value in DATA.items()}
    event = Event(kind=kind, data=data, url="/rollouts/1/")
    written = compose(Delivery(pk=1, event=event, recipient=reader)).message().as_bytes()
    return message_from_bytes(written, policy=policy.default)


def test_log__people_s_words__stay_in_their_line() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(OneLine("%(levelname)s %(message)s"))
    log = logging.getLogger("tests.attacks")
    log.addHandler(handler)
    log.propagate = False

    for attack in read_attacks():
        log.warning("%s", attack.text)
        log.error("a fault", exc_info=ValueError(attack.text))
    log.removeHandler(handler)

    lines = written.getvalue().split("\n")
    assert len([line for line in lines if line.startswith("WARNING ")]) == len(read_attacks())
    assert [line for line in lines if line and not line.startswith(("WARNING ", "ERROR a fault", "  "))] == []
    assert not set(written.getvalue()) & set("\x1b\x07\r\u2028\u202e")


@pytest.mark.parametrize("kind", ["script", "handler", "attribute", "svg", "style", "page", "htmx", "unclosed"])
def test_judge__an_attack_as_it_came__is_seen(kind: str) -> None:
    twin = '<p title="a">a</p>'

    missed = [
        one for one in read_attacks() if one.kind == kind and not judge("text/html", _let_through(one.text), twin)
    ]

    assert [one.text for one in missed if HTML.search(one.text)] == []


def _let_through(text: str) -> str:
    return f'<p title="{text}">{text}</p>'


def test_attacks__each__has_a_reason_and_stands_once() -> None:
    attacks = read_attacks()

    assert all(one.reason for one in attacks)
    assert len({one.text for one in attacks}) == len(attacks) > 200


def test_kept__each__is_a_column_that_there_is() -> None:
    fields = {name_of(one) for model in list_models() for one in list_text_fields(model)}
    names = {one.rpartition(".")[2] for one in fields}

    assert set(KEPT) | set(FITTING) | NAMED_BY_OTHERS <= fields
    assert set(KEPT_NAMES) <= names
    assert set(UNMADE) <= {model._meta.label for model in list_models()}
