"""Runs a guardrail over the recorded past, as the watch would have: its own judgement, its own choice of an act."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from health.domain.exposure import Exposure
from health.domain.guardrail import FLAPPING_SPAN, Act, choose_act, is_possible
from health.domain.minutes import A_MINUTE
from health.domain.replay import SILENT, Assumed, Frame, Kind, Line, Past, Replay, Settings, list_looks
from health.domain.verdict import Judgement, Verdict
from health.models import Decision
from health.replay_judges import Judge, Recorded
from health.replay_queries import list_holds_of


@dataclass(frozen=True)
class Span:
    """What is gone through: [since, until], of these flags."""

    since: datetime
    until: datetime
    flag_keys: Sequence[str]
    forgotten_before: datetime | None = None


def replay(
    past: Past, recorded: Recorded, wanted: Sequence[Settings], *, span: Span, decisions: Collection[Decision]
) -> list[Replay]:
    """Return what each set of settings (of one lane) would have done, what is recorded read once for all.

    `decisions`: what was really decided; those moments are looked at as well.
    """
    courses = [_Course(settings, recorded.open(settings), span, decisions) for settings in wanted]
    moments = {*recorded.moments, *(one.at for one in decisions)} | set(
        past.list_ends(since=span.since, until=span.until)
    )
    for now in list_looks(since=span.since, until=span.until, also=moments):
        frame = past.at(now)
        for course in courses:
            course.look(frame, now=now)
    return [course.conclude() for course in courses]


@dataclass(frozen=True)
class _Found:
    exposure: Exposure
    judgement: Judgement
    is_new: bool


@dataclass
class _Course:
    """One set of settings on its way through the past."""

    settings: Settings
    judge: Judge
    span: Span
    decisions: Collection[Decision]
    assumed: Assumed = field(default_factory=Assumed)
    last: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    silent: dict[str, Line] = field(default_factory=dict)
    fired: set[str] = field(default_factory=set)
    before: frozenset[str] = field(default_factory=frozenset)
    lines: list[Line] = field(default_factory=list)
    looks: int = 0

    def __post_init__(self) -> None:
        self.holds = list_holds_of(self.decisions, before=self.span.since)
        self.real: Mapping[str, list[Decision]] = defaultdict(list)
        for one in self.decisions:
            self.real[one.flag_key].append(one)

    def look(self, frame: Frame, *, now: datetime) -> None:
        """Judge every flag as it stood, and note what that would have led to."""
        chosen = [one for one in frame.exposures if frame.is_judged and one.flag_key in self.span.flag_keys]
        self._note_ends(frozenset(one.flag_key for one in chosen), now=now)
        if self.assumed.is_waiting(now):
            return
        judged = (
            self._judge(exposure, frame, now=now)
            for exposure in chosen
            if exposure.flag_key not in self.assumed.stopped
        )
        found = [one for one in judged if one is not None]
        breaching = [one for one in found if one.judgement.verdict is Verdict.BREACH]
        acts = self._act(breaching, frame, now=now) if breaching else {}
        for one in found:
            self._note(one, acts.get(one.exposure.flag_key), now=now)

    def conclude(self) -> Replay:
        """Return the answer."""
        for flag_key in list(self.silent):
            self._end_silence(flag_key, now=self.span.until)
        return Replay(
            settings=self.settings,
            since=self.span.since,
            until=self.span.until,
            flag_keys=self.span.flag_keys,
            lines=sorted(self.lines, key=lambda line: line.at),
            looks=self.looks,
            forgotten_before=self.span.forgotten_before,
        )

    def _judge(self, exposure: Exposure, frame: Frame, *, now: datetime) -> _Found | None:
        self.looks += 1
        judgement = self.judge.judge(self.assumed.change(exposure), is_heightened=frame.is_heightened, now=now)
        if judgement is None:
            self.last.pop(exposure.flag_key, None)
            return None
        said = (exposure.epoch, str(judgement.verdict), judgement.code)
        is_new = self.last.get(exposure.flag_key) != said
        self.last[exposure.flag_key] = said
        return _Found(exposure, judgement, is_new)

    def _act(self, breaching: Sequence[_Found], frame: Frame, *, now: datetime) -> dict[str, Line]:
        """Return what the breaches lead to, by flag; as rollouts act, the flag activated last first."""
        chosen: list[tuple[_Found, Act]] = []
        for one in sorted(breaching, key=lambda found: found.exposure.since, reverse=True):
            act = choose_act(
                mode=self.settings.mode,
                is_everywhere=one.judgement.code.endswith("_everywhere"),
                holds=[at for at in self.holds[one.exposure.flag_key] if now - at < FLAPPING_SPAN],
                cool_down=self.settings.cool_down,
                now=now,
            )
            if act is not None and is_possible(act, is_running=frame.is_running):
                chosen.append((one, act))
        if any(act is Act.ROLLED_BACK for _one, act in chosen):
            # One at a time, and nothing is held by what was seen before.
            chosen = [one for one in chosen if one[1] is Act.ROLLED_BACK][:1]
        was_assumed = self.assumed.is_any
        return {one.exposure.flag_key: self._do(one, act, was_assumed=was_assumed, now=now) for one, act in chosen}

    def _do(self, one: _Found, act: Act, *, was_assumed: bool, now: datetime) -> Line:
        key = one.exposure.flag_key
        is_real = not was_assumed and self._is_real(key, act, now=now)
        site_key = ""
        if act is Act.ROLLED_BACK:
            site_key = self.judge.find_site(one.judgement) if self.settings.scope == "site" else ""
            if not is_real:
                self.assumed = self.assumed.take_back(key, scope=self.settings.scope, now=now)
        elif act is Act.HELD:
            self.holds[key].append(now)
            if not is_real:
                self.assumed = self.assumed.hold(now=now, cool_down=self.settings.cool_down)
        return Line(
            at=now,
            flag_key=key,
            kind=Kind.ACT,
            judgement=one.judgement,
            act=act,
            site_key=site_key,
            is_real=is_real,
            is_assumed=was_assumed,
        )

    def _is_real(self, flag_key: str, act: Act, *, now: datetime) -> bool:
        """Tell whether the lane really did so in this minute."""
        return any(one.act == act and now - A_MINUTE < one.at <= now for one in self.real[flag_key])

    def _note(self, one: _Found, act: Line | None, *, now: datetime) -> None:
        """Write down what a person would want to read: each thing once."""
        key, judgement = one.exposure.flag_key, one.judgement
        is_noted = act is not None and (one.is_new or act.act in {Act.HELD, Act.ROLLED_BACK})
        if act is not None and is_noted:
            self.lines.append(act)
            if act.act in {Act.HELD, Act.ROLLED_BACK}:
                self.fired.add(key)
        elif one.is_new and judgement.verdict is Verdict.BREACH:
            self.lines.append(self._line(one, Kind.BREACH, now=now))
        elif one.is_new and judgement.code.endswith("_suspected"):
            self.lines.append(self._line(one, Kind.SUSPECTED, now=now))
        if judgement.code in SILENT:
            self.silent.setdefault(key, self._line(one, Kind.SILENT, now=now))
        else:
            self._end_silence(key, now=now)

    def _line(self, one: _Found, kind: Kind, *, now: datetime) -> Line:
        return Line(now, one.exposure.flag_key, kind, one.judgement, is_assumed=self.assumed.is_any)

    def _end_silence(self, flag_key: str, *, now: datetime) -> None:
        line = self.silent.pop(flag_key, None)
        if line is not None:
            self.lines.append(replace(line, until=now))

    def _note_ends(self, flag_keys: frozenset[str], *, now: datetime) -> None:
        """Say where a flag went off that this would have left on."""
        for key in sorted(self.before - flag_keys):
            self._end_silence(key, now=now)
            if key not in self.fired and not self.assumed.is_over:
                self.lines.append(Line(now, key, Kind.ENDED, is_assumed=self.assumed.is_any))
        self.before = flag_keys
