"""Known attacks in a real browser: pages full of them run nothing, fetch nothing from elsewhere and break no policy.

The pages are rendered in this process, all columns full of attacks, and handed to the browser as the portal's. The
same list in a page that lets everything through does act: the probe sees what there is to see.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import time_machine
from django.contrib.staticfiles import finders
from django.db import transaction
from playwright.sync_api import Browser, Dialog, Page, Route

from core import clock
from core.actors import DEMO
from core.roles import Role
from flags.models import Flag
from incidents.models import Incident, PostMortem
from notifications.courier import compose
from notifications.models import Channel
from tests.factories.core import make_person
from tests.factories.notifications import make_event
from tests.hostile.attacks import Texts, read_attacks
from tests.hostile.feeding import feed
from tests.hostile.files import write_permissively
from tests.hostile.staging import Scene, build
from tests.notifications.test_courier import DATA
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

HOST = "http://portal.test"
HTML = {"Content-Type": "text/html; charset=utf-8"}
#: Tells of what ran, and of what the policy had to stop.
PROBE = """
window.attacks = [];
for (const name of ["alert", "confirm", "prompt", "msgbox"]) window[name] = () => window.attacks.push(name);
const note = (one) => window.attacks.push(`${one.violatedDirective} ${one.blockedURI}`);
document.addEventListener("securitypolicyviolation", note);
"""


class Theatre:
    """Answers a browser's requests with pages that were rendered before, and notes every other request."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        self.faults: list[str] = []
        page.add_init_script(PROBE)
        page.route("**/*", self._answer)
        page.on("dialog", self._hear)
        page.on("frameattached", lambda frame: self.faults.append(f"a frame: {frame.url}"))

    def _hear(self, dialog: Dialog) -> None:
        self.faults.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _answer(self, route: Route) -> None:
        parts = urlsplit(route.request.url)
        if f"{parts.scheme}://{parts.netloc}" != HOST:
            self.faults.append(f"asks for {route.request.url}")
            route.abort()
        elif parts.path in self.pages:
            body, headers = self.pages[parts.path]
            route.fulfill(body=body, headers=headers)
        elif parts.path.startswith("/static/") and (file := finders.find(parts.path.removeprefix("/static/"))):
            route.fulfill(path=str(file))
        else:
            # What a page asks for by itself, such as its own news.
            route.fulfill(status=204)

    def show(self, path: str) -> list[str]:
        """Show a page and press nothing; return what acted."""
        self.faults.clear()
        self.page.goto(HOST + path, wait_until="load")
        # Whatever takes the focus, loads or moves by itself has done so two frames later.
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return [*self.faults, *self.page.evaluate("() => window.attacks")]


@pytest.fixture(scope="module", autouse=True)
def _django_beside_playwright() -> Iterator[None]:
    """Playwright's event loop lives in this thread, where Django asks its database all the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture
def theatre(chromium: Browser) -> Iterator[Theatre]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, service_workers="block")
    yield Theatre(context.new_page())
    context.close()


def _list_paths(scene: Scene) -> list[str]:
    incident = Incident.objects.exclude(title="").order_by("pk")
    numbers = [one.pk for one in incident]
    slug = PostMortem.objects.exclude(slug=None).get().slug
    flag = Flag.objects.order_by("pk")[1].key
    return [
        "/",
        *(f"/incidents/{number}/" for number in numbers),
        *(f"/incidents/{number}/post-mortem/" for number in numbers),
        f"/incidents/{numbers[-1]}/post-mortem/print/",
        f"/post-mortems/{slug}/",
        "/incidents/",
        "/incidents/measures/",
        "/health/",
        "/health/alerts/",
        "/health/guardrails/",
        "/complaints/",
        f"/flags/{flag}/",
        "/sites/lyon/",
        f"/rollouts/{scene.rollout.pk}/",
        f"/releases/{scene.world.release.pk}/",
        "/calendar/",
        "/inbox/",
        "/admin/changes/",
    ]


def _render(scene: Scene) -> dict[str, tuple[str, dict[str, str]]]:
    """Return pages full of attacks with their headers, a mail, and a file as a trusting program shows it."""
    texts, found = Texts(0, is_harmless=False), {}
    client = sign_in_as(scene.people[Role.ADMIN])
    with transaction.atomic():
        feed(texts, by=lambda: DEMO)
        for path in _list_paths(scene):
            answer = client.get(path)
            assert answer.status_code == 200, path
            found[path] = (answer.content.decode(), dict(answer.headers))
        data = {name: texts.say(name, room=300) if isinstance(value, str) else value for name, value in DATA.items()}
        event = make_event(make_person(Role.SUPPORT).pk, kind="incident_opened", data=data)
        mail = compose(event.deliveries.get(channel=Channel.EMAIL))
        found["/mail"] = (str(mail.alternatives[0][0]), HTML)
        file = client.get(f"/incidents/{Incident.objects.latest('pk').pk}/post-mortem/export/").content.decode()
        found["/file"] = (f"<!DOCTYPE html><title>a</title>{write_permissively(file)}", HTML)
        transaction.set_rollback(True)
    return found


def test_pages__full_of_attacks__run_nothing_and_fetch_nothing(theatre: Theatre) -> None:
    now = clock.now()
    with time_machine.travel(now, tick=False):
        theatre.pages = _render(build(now=now))
    # Without the policy as well: what people write is harmless before anything has to stop it.
    bare = {
        f"/bare{path}": (body, {"Content-Type": "text/html; charset=utf-8"})
        for path, (body, _) in theatre.pages.items()
    }
    theatre.pages |= bare

    acted = {path: found for path in theatre.pages if (found := theatre.show(path))}

    assert acted == {}


@pytest.mark.parametrize(
    "attack",
    [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "<script src=//evil.test/a.js></script>",
    ],
)
def test_probe__an_attack_let_through__is_seen(theatre: Theatre, attack: str) -> None:
    assert attack in {one.text for one in read_attacks()}
    theatre.pages = {"/": (f"<!DOCTYPE html><body>{attack}", HTML)}

    assert theatre.show("/") != []
