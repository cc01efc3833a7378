"""The page of a replay: a guardrail with other settings over what is recorded of a rollout."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from core import clock
from core.errors import InvalidInput
from core.labels import say_refusal
from core.roles import Capability, requires
from flags.current import get_current_environment
from flags.queries import get_flag_names, get_site_names
from health.domain.guardrail import FLAG_LANES
from health.guardrail_queries import get_guardrail
from rollouts.models import Rollout
from rollouts.queries import list_rollouts
from rollouts.replay_forms import ReplayForm
from rollouts.replay_labels import UNRECORDED
from rollouts.replay_view import ReplayPage, compose_replay
from rollouts.replaying import COMPARED_BP, MODES, replay_rollout

#: So many looks take some two seconds; a page's address must not hold a web process for longer.
MOST_LOOKS = {"error_rate": 12_000, "performance": 400, "alert": 200_000, "critical": 200_000}
MOST_ROWS = 200
MOST_ROLLOUTS = 50


@requires(Capability.VIEW)
def choose(request: HttpRequest) -> HttpResponse:
    """Show the rollouts of the environment that is looked at, to replay one of them."""
    environment = get_current_environment(request)
    begun = list_rollouts(environment_key=environment.key if environment else "").filter(steps__done_at__isnull=False)
    return render(request, "rollouts/replays.html", {"rollouts": begun.distinct()[:MOST_ROLLOUTS]})


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for settings, and show what they would have done beside what was really decided."""
    rollout = get_object_or_404(Rollout.objects.select_related("release", "environment"), pk=pk)
    names = get_flag_names()
    keys = list(rollout.rollout_flags.order_by("position").values_list("flag__key", flat=True))
    asked = request.GET.get("lane", "")
    lane = asked if asked in FLAG_LANES else FLAG_LANES[0]
    now_set = get_guardrail(environment_key=rollout.environment.key, lane=lane)
    if now_set.mode not in MODES:
        now_set.mode = MODES[0]
    flags = [(key, names.get(key, key)) for key in keys]
    form = ReplayForm(request.GET if "mode" in request.GET else None, flags=flags, now_set=now_set)
    page = _replay(rollout, form, names) if form.is_bound and form.is_valid() else None
    context = {
        "rollout": rollout,
        "form": form,
        "page": page,
        "flag_names": names,
        "site_names": get_site_names(),
        "most_rows": MOST_ROWS,
        "unrecorded": UNRECORDED.get(page.replay.settings.lane, "") if page else "",
    }
    return render(request, "rollouts/replay.html", context, status=400 if form.is_bound and not page else 200)


def _replay(rollout: Rollout, form: ReplayForm, names: dict[str, str]) -> ReplayPage | None:
    """Return the answer; None with the reason on the form where there is none."""
    wish = form.read_wish()
    lane = wish.settings.lane
    try:
        answer = replay_rollout(
            rollout, wish, now=clock.now(), compared_bp=COMPARED_BP.get(lane, ()), most_looks=MOST_LOOKS[lane]
        )
    except InvalidInput as refusal:
        form.add_error(None, say_refusal(refusal))
        return None
    return compose_replay(answer, names=names, most_rows=MOST_ROWS)
