"""The editor of rules: conditions and shares said, looked at in numbers, written and changed."""

from typing import Any

import pytest

from core.actors import DEMO
from flags.domain.audience import RuleAudience
from flags.domain.conditions import Condition, Operator
from flags.models import Environment, Flag, Rule, Segment
from flags.transitions import NewMember, create_segment, create_till, delete_segment, remove_rule
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_rule, make_site
from tests.signed_in import read_version, sign_in

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
PATH = "/flags/buttons/rule/"
NEW = Condition("app_version", Operator.VERSION_AT_LEAST, "1.3.0")


@pytest.fixture
def environment() -> Environment:
    return make_environment(key="prod")


@pytest.fixture
def flag(environment: Environment) -> Flag:
    for key in ("lyon", "brest"):
        site = make_site(key=key, name=key.title())
        for number in (1, 2):
            create_till(site_id=site.pk, key=f"{key}-{number}", name=f"Till {number}", **BY)
    return make_flag(key="buttons", name="Buttons")


def _lines(*lines: tuple[str, str, str]) -> dict[str, str]:
    data = {"c-TOTAL_FORMS": str(len(lines)), "c-INITIAL_FORMS": "0"}
    for number, (attribute, verb, value) in enumerate(lines):
        data |= {f"c-{number}-attribute": attribute, f"c-{number}-verb": verb, f"c-{number}-value": value}
    return data


def _asked(**given: str) -> dict[str, str]:
    return {"environment": "prod", "audience": "everyone", "variant": "on", "reason": "a test"} | given


@pytest.mark.parametrize(
    ("line", "condition"),
    [
        (("site", "text equals", "lyon"), Condition("site", Operator.EQUALS, "lyon")),
        (("site", "text not one_of", "lyon, brest"), Condition("site", Operator.ONE_OF, ("lyon", "brest"), True)),
        (("age", "number at_least", "1,5"), Condition("age", Operator.AT_LEAST, 1.5)),
        (("age", "number one_of", "1, 2.5"), Condition("age", Operator.ONE_OF, (1, 2.5))),
        (("is_new", "boolean equals", "Oui"), Condition("is_new", Operator.EQUALS, True)),
        (("app_version", "version version_at_least", "1.3.0"), NEW),
    ],
)
def test_conditions__said__are_stored_and_come_back(
    flag: Flag, line: tuple[str, str, str], condition: Condition
) -> None:
    client = sign_in()
    asked = _asked(audience="conditions", do="save", version=read_version(client, f"{PATH}?environment=prod"))

    answer = client.post(PATH, asked | _lines(line, ("", "text equals", "")))

    assert answer.status_code == 302
    rule = Rule.objects.get()
    assert rule.asked == (condition,)
    again = client.get(f"/rules/{rule.pk}/edit/")
    assert again.context["form"].lines.is_valid()
    assert again.context["form"].lines.conditions == (condition,)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("a.b", "text equals", "x"), "Letters, digits, dash and underscore"),
        (("age", "number less", "many"), "A number"),
        (("age", "number less", "1" * 400), "A number"),
        (("age", "number one_of", "1, " + "1" * 400), "A number"),
        (("is_new", "boolean equals", "perhaps"), "true or false"),
        (("app_version", "version version_is", "newest"), "A version, e.g. 1.3.0."),
        (("site", "text starts_with", ""), "A text of at most 200 characters"),
    ],
)
def test_conditions__unclear__are_said_and_nothing_is_lost(flag: Flag, line: tuple[str, str, str], words: str) -> None:
    answer = sign_in().post(PATH, _asked(audience="conditions", do="save", version="0") | _lines(line))

    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert f'value="{line[0]}"' in page
    assert not Rule.objects.exists()


def test_conditions__another_line__keeps_what_was_typed(flag: Flag) -> None:
    asked = _asked(audience="conditions", do="more") | _lines(("site", "text equals", "lyon"))

    answer = sign_in().post(PATH, asked)

    assert answer.status_code == 200
    assert len(answer.context["form"].lines.forms) == 2
    assert 'value="lyon"' in answer.content.decode()
    assert not Rule.objects.exists()


def test_preview__conditions_on_a_site__counts_its_tills(flag: Flag) -> None:
    asked = _asked(audience="conditions") | _lines(("site", "text equals", "lyon"))

    page = sign_in().post(PATH, asked, headers={"HX-Request": "true"}).content.decode()

    assert page.strip().startswith('<div id="preview"')
    assert "1 site, 2 tills" in page
    assert "“off” becomes “on” for 2 tills" in page


def test_preview__what_only_tills_tell__is_at_most_and_named(flag: Flag) -> None:
    asked = _asked(audience="conditions") | _lines(("app_version", "version version_at_least", "1.3.0"))

    page = sign_in().post(PATH, asked).content.decode()

    assert "at most 2 sites, 4 tills" in page
    assert "Only a till that asks tells “app_version”" in page


def test_preview__behind_everyone__says_which_rule_decides(flag: Flag, environment: Environment) -> None:
    make_rule(flag, environment, RuleAudience.everyone())

    page = sign_in().get(f"{PATH}?environment=prod&audience=everyone&variant=off").content.decode()

    assert "rule 1 above is for everyone" in page


def test_shares__said_and_raised__keep_whom_they_had(flag: Flag, environment: Environment) -> None:
    people = [NewMember(f"ana-{number}") for number in range(40)]
    create_segment(key="pilots", name="Pilots", members=people, **BY)
    client = sign_in()
    asked = _asked(variant="*", do="save", version=read_version(client, f"{PATH}?environment=prod"))

    looked = client.post(PATH, asked | {"do": "look", "share-0": "12.5", "share-1": "87.5"}).content.decode()
    assert "“on” for 12.5 %, “off” for 87.5 %" in looked
    assert "named people get “on”" in looked
    assert client.post(PATH, asked | {"share-0": "12.5", "share-1": "87.5"}).status_code == 302

    rule = Rule.objects.get()
    assert rule.pieces == (("on", 1_250), ("off", 8_750))
    path = f"/rules/{rule.pk}/edit/"
    more = asked | {"share-0": "50", "share-1": "50", "version": read_version(client, path)}
    assert client.post(path, more).status_code == 302
    assert Rule.objects.get().pieces == (("on", 5_000), ("off", 5_000))


def test_shares__not_a_whole__are_refused(flag: Flag) -> None:
    answer = sign_in().post(PATH, _asked(variant="*", do="save", version="0") | {"share-0": "50", "share-1": "40"})

    assert answer.status_code == 400
    assert "Together the shares must be 100 %." in answer.content.decode()
    assert not Rule.objects.exists()


def test_preview__asked_while_the_button_is_pressed__writes_nothing(flag: Flag) -> None:
    client = sign_in()
    asked = _asked(do="save", version=read_version(client, f"{PATH}?environment=prod"))

    answer = client.post(PATH, asked, headers={"HX-Request": "true"})

    assert (answer.status_code, Rule.objects.count()) == (200, 0)
    assert client.post(PATH, asked).status_code == 302


def test_history__rules_with_conditions_and_of_a_deleted_segment__are_said(
    flag: Flag, environment: Environment
) -> None:
    make_rule(flag, environment, RuleAudience.where((NEW,)))
    segment = create_segment(key="pilots", name="Pilots", members=[], **BY)
    remove_rule(rule_id=make_rule(flag, environment, RuleAudience.for_segment(segment.pk)).pk, seen_version=None, **BY)
    delete_segment(segment_id=segment.pk, **BY)

    page = sign_in().get("/flags/buttons/").content.decode()

    assert page.count("“on” for those whose app_version") == 1
    assert "“on” for a segment that was deleted" in page


def test_edit__a_rollouts_rule__is_not_there(flag: Flag, environment: Environment) -> None:
    rule = make_rule(flag, environment, RuleAudience.everyone(), origin="rollout:1:1")

    assert sign_in().get(f"/rules/{rule.pk}/edit/").status_code == 404


def test_segment__conditions_said_and_emptied__are_stored_so(flag: Flag) -> None:
    client = sign_in()
    wanted = {"key": "new", "name": "New tills", "description": "", "reason": "a test"}
    line = ("app_version", "version version_at_least", "1.3.0")

    more = client.post("/new-segment/", wanted | {"do": "more"} | _lines(line))
    assert (more.status_code, len(more.context["form"].lines.forms)) == (200, 2)
    assert client.post("/new-segment/", wanted | _lines(line)).status_code == 302
    assert Segment.objects.get().asked == (NEW,)
    assert "app_version is at least the version “1.3.0”" in client.get("/segments/new/").content.decode()

    wanted["version"] = read_version(client, "/segments/new/edit/")
    assert client.post("/segments/new/edit/", wanted | _lines(("", "text equals", ""))).status_code == 302
    assert Segment.objects.get().asked == ()


def test_segment__unclear_conditions__are_said_and_nothing_is_written(flag: Flag) -> None:
    wanted = {"key": "new", "name": "New tills", "description": "", "reason": "a test"}

    answer = sign_in().post("/new-segment/", wanted | _lines(("app_version", "version version_is", "newest")))

    assert answer.status_code == 400
    assert "A version, e.g. 1.3.0." in answer.content.decode()
    assert not Segment.objects.exists()


def test_editor__in_french__quotes_as_french_does_and_values_stand_as_served(
    environment: Environment, flag: Flag
) -> None:
    client = sign_in()
    french = {"accept-language": "fr"}

    editor = client.get(f"{PATH}?environment=prod", headers=french).content.decode()
    page = client.get("/flags/buttons/", headers=french).content.decode()

    assert "«\xa0on\xa0»" in editor
    assert "“on”" not in editor
    assert "<code>on</code> = <code>true</code>" in page


def test_detail__rules_of_conditions_in_the_history__are_said(flag: Flag, environment: Environment) -> None:
    asked = RuleAudience.where((Condition("app_version", Operator.STARTS_WITH, "1.3"),))
    rule = make_rule(flag, environment, audience=asked)
    remove_rule(rule_id=rule.pk, **BY)

    answer = sign_in().get(f"/flags/{flag.key}/")

    assert answer.status_code == 200
    assert answer.content.decode().count("app_version starts with “1.3”") == 2


def test_detail__a_rule_of_a_segment_deleted_since__is_not_said_to_be_for_everyone(
    flag: Flag, environment: Environment
) -> None:
    segment = create_segment(key="pilots", name="Pilots", members=[], **BY)
    rule = make_rule(flag, environment, audience=RuleAudience.for_segment(segment.pk))
    remove_rule(rule_id=rule.pk, **BY)
    delete_segment(segment_id=segment.pk, **BY)

    answer = sign_in().get(f"/flags/{flag.key}/")

    assert answer.status_code == 200
    assert "a segment that was deleted" in answer.content.decode()
