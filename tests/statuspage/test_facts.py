"""What is public: what was said, of what is public, and nothing else."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from core.actors import person
from core.roles import Role
from flags.models import Site
from incidents.domain.reviewing import Visibility
from incidents.domain.tiers import Tier
from incidents.domain.words import WordStatus
from incidents.transitions import merge_incident
from statuspage.bodies import digest_facts, write_bodies
from statuspage.domain.states import Impact, Said, State
from statuspage.facts import Facts
from statuspage.installing import install_components
from statuspage.models import Component
from statuspage.queries import read_facts
from statuspage.transitions import change_component
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_site
from tests.factories.incidents import make_incident, make_measure, review, write
from tests.factories.statuspage import BY, find_component, make_public, restore, say, trouble

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def _states(facts: Facts) -> dict[str, State]:
    return {one.name.en: one.state for one in facts.components}


def test_facts__all_is_well__are_operational_and_equal_within_a_minute() -> None:
    make_public()

    first, second = read_facts(now=NOW), read_facts(now=NOW + timedelta(seconds=20))

    assert first.indicator is Impact.NONE
    assert set(_states(first).values()) == {State.OPERATIONAL}
    assert digest_facts(first) == digest_facts(second)


def test_incident__spoken_of__is_listed_with_its_words_and_never_its_own() -> None:
    environment = make_public()
    incident = trouble(environment, tier=Tier.CRITICAL, site_keys=[Site.objects.order_by("name")[0].key])
    say(incident, WordStatus.IDENTIFIED, now=NOW + 2 * MINUTE, fr="<b>La caisse</b> est en panne.")

    facts = read_facts(now=NOW + 3 * MINUTE)

    [one] = facts.incidents
    assert (one.said, one.impact, one.started_at) == (Said.IDENTIFIED, Impact.CRITICAL, NOW)
    assert facts.indicator is Impact.CRITICAL
    site = Component.objects.get(site__key=incident.site_keys[0])
    assert set(one.component_ids) == {find_component(environment, "till").pk, site.pk}
    assert _states(facts)["Till"] is State.PARTIAL
    assert _states(facts)[site.name_en] is State.MAJOR
    bodies = write_bodies(facts)
    assert not [path for path, body in bodies.items() if b"SECRET" in body or b"Person" in body]
    assert "&lt;b&gt;La caisse&lt;/b&gt;" in bodies["index.html"].decode()


def test_incident__monitored_then_resolved__is_milder_then_over() -> None:
    environment = make_public()
    incident = trouble(environment, tier=Tier.CRITICAL)
    say(incident, WordStatus.MONITORING, now=NOW + 2 * MINUTE)
    watched = read_facts(now=NOW + 3 * MINUTE)
    restore(incident, now=NOW + 10 * MINUTE)
    say(incident, WordStatus.RESOLVED, now=NOW + 11 * MINUTE)

    over = read_facts(now=NOW + 12 * MINUTE)

    assert _states(watched)["Till"] is State.DEGRADED
    assert set(_states(over).values()) == {State.OPERATIONAL}
    [one] = over.incidents
    assert (one.monitoring_at, one.resolved_at) == (NOW + 2 * MINUTE, NOW + 11 * MINUTE)
    assert [update.said for update in one.updates] == [Said.RESOLVED, Said.MONITORING]


def test_incident__nobody_spoke_of__is_listed_after_five_minutes_and_ends_with_it() -> None:
    environment = make_public()
    incident = trouble(environment)

    assert not read_facts(now=NOW + 4 * MINUTE).incidents
    [begun] = read_facts(now=NOW + 5 * MINUTE).incidents
    restore(incident, now=NOW + 20 * MINUTE)
    [over] = read_facts(now=NOW + 21 * MINUTE).incidents

    assert [(one.said, one.words) for one in begun.updates] == [(Said.INVESTIGATING, None)]
    assert (over.said, over.resolved_at) == (Said.RESOLVED, NOW + 20 * MINUTE)


@pytest.mark.parametrize(("tier", "lists"), [(Tier.MINOR, True), (Tier.CRITICAL, False)])
def test_incident__nobody_spoke_of__minor_or_not_wanted__is_not_listed(tier: Tier, lists: bool) -> None:
    environment = make_public(lists_unspoken=lists)
    trouble(environment, tier=tier)

    facts = read_facts(now=NOW + 30 * MINUTE)

    assert not facts.incidents
    assert facts.indicator is Impact.NONE


def test_incident__restored_before_anybody_should_have_spoken__is_not_listed() -> None:
    incident = trouble(make_public())
    restore(incident, now=NOW + 4 * MINUTE)

    assert not read_facts(now=NOW + 30 * MINUTE).incidents


def test_incident__of_a_rehearsal_or_elsewhere__is_not_public() -> None:
    environment = make_public()
    rehearsal = trouble(environment, is_rehearsal=True)
    elsewhere = make_incident(make_environment(), now=NOW)
    for incident in (rehearsal, elsewhere):
        say(incident, WordStatus.IDENTIFIED, now=NOW + MINUTE)

    facts = read_facts(now=NOW + 30 * MINUTE)

    assert not facts.incidents
    assert all(not day.minutes for one in facts.components for day in one.days)


def test_incident__merged_after_words__ends_with_the_one_it_belongs_to() -> None:
    environment = make_public()
    first = trouble(environment, detected_at=NOW)
    say(first, WordStatus.INVESTIGATING, now=NOW + MINUTE)
    root = make_incident(environment, tier=Tier.IMPORTANT, now=NOW)
    actor = person(make_person(Role.SUPPORT))
    merge_incident(incident_id=first.pk, into_id=root.pk, actor=actor, reason="one", now=NOW + 2 * MINUTE)
    running = {one.id: one.said for one in read_facts(now=NOW + 3 * MINUTE).incidents}
    restore(root, now=NOW + 10 * MINUTE)
    say(root, WordStatus.RESOLVED, now=NOW + 11 * MINUTE)

    over = {one.id: one.said for one in read_facts(now=NOW + 12 * MINUTE).incidents}

    assert running == {first.pk: Said.INVESTIGATING}
    assert over == {first.pk: Said.RESOLVED, root.pk: Said.RESOLVED}


def test_incident__in_one_language__stands_for_the_other_marked_as_it_is() -> None:
    incident = trouble(make_public())
    say(incident, WordStatus.IDENTIFIED, now=NOW + MINUTE, en="")

    page = write_bodies(read_facts(now=NOW + 2 * MINUTE))["en/index.html"].decode()

    assert '<div lang="fr"><p>Nous cherchons.</p></div>' in page


def test_post_mortem__public__names_the_incident_and_ends_it() -> None:
    incident = trouble(make_public())
    say(incident, WordStatus.IDENTIFIED, now=NOW + MINUTE)
    restore(incident, now=NOW + 10 * MINUTE)
    user = make_person(Role.SUPPORT)
    texts = {"public_title": "Wrong prices", "public_text": "Prices were wrong."}
    write(incident, user=user, now=NOW + 11 * MINUTE, texts=texts, visibility=Visibility.PUBLIC)
    make_measure(incident, user=user, now=NOW + 11 * MINUTE)
    review(incident, user=user, now=NOW + 12 * MINUTE)

    [one] = read_facts(now=NOW + 30 * MINUTE).incidents

    assert (one.said, one.title, one.resolved_at) == (Said.POSTMORTEM, "Wrong prices", NOW + 10 * MINUTE)
    assert one.updates[0].post_mortem.startswith("/post-mortems/")


def test_history__of_an_incident__is_in_the_bars_of_what_it_touched() -> None:
    environment = make_public()
    incident = trouble(environment, tier=Tier.CRITICAL)
    restore(incident, now=NOW + 45 * MINUTE)

    facts = read_facts(now=NOW + 2 * 60 * MINUTE)

    by_name = {one.name.en: one for one in facts.components}
    assert by_name["Till"].days[-1].minutes == {State.MAJOR: 45}
    assert by_name["Till"].uptime_bp is not None
    assert by_name["Till"].uptime_bp < 10_000
    assert by_name["Back end"].days[-1].minutes == {}


def test_facts__however_many_incidents__ask_the_same(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    environment = make_public()
    for number in range(12):
        incident = make_incident(environment, now=NOW, detected_at=NOW - number * MINUTE)
        say(incident, WordStatus.IDENTIFIED, now=NOW + MINUTE)

    with django_assert_max_num_queries(14):
        facts = read_facts(now=NOW + 2 * MINUTE)

    assert len(facts.incidents) == 12


def test_install__again_and_with_a_new_site__adds_what_is_missing_alone() -> None:
    environment = make_public(sites=1)
    before = set(Component.objects.values_list("pk", flat=True))
    site = make_site()

    made = install_components(now=NOW)

    assert (made, install_components(now=NOW)) == (1, 0)
    [new] = Component.objects.exclude(pk__in=before)
    assert (new.site, new.environment) == (site, environment)
    assert Component.history.filter(id=new.pk).get().actor_label == "installation"


def test_component__hidden__is_nowhere() -> None:
    environment = make_public()
    component = find_component(environment, "back_end")
    change_component(component_id=component.pk, values={"is_shown": False}, **BY)

    facts = read_facts(now=NOW)

    assert "Back end" not in _states(facts)
    assert b"Back end" not in b"".join(write_bodies(facts).values())


def test_environment__not_public__shows_nothing() -> None:
    make_public(is_public=False)

    assert not read_facts(now=NOW).components
