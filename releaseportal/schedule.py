"""The one table of due work: task, period in seconds, and why.

Beat sends each task at its period; `manage.py tick` runs each once, in this order. Every task is
a query over what is due in PostgreSQL, so a lost or doubled message changes nothing.
"""

from dataclasses import dataclass
from datetime import timedelta

#: Silent for longer, the scheduler is taken for dead, on the pages and for load balancers alike. It beats each
#: second; a worker that starts anew, or that is busy with a burst of due work, may be silent for some ten.
BEAT_LIMIT = timedelta(seconds=30)


@dataclass(frozen=True)
class Row:
    task: str
    every_seconds: float
    why: str


SCHEDULE = (
    Row("rollouts.tasks.watch_health", 1.0, "critical errors must have a flag off within 5 s"),
    Row("rollouts.tasks.watch_guardrails", 3.0, "error rate, performance, alerts; costs more than critical errors"),
    Row("rollouts.tasks.freeze_usual", 10.0, "what was usual is frozen when a rollout first exposes somebody"),
    Row("health.tasks.pull_sources", 3.0, "a source is asked each 15 s at most, and told of when it is silent"),
    Row("health.tasks.ask_queries", 3.0, "a query of one's own is asked each 15 s while somebody sees a flag"),
    Row("rollouts.tasks.run_due_steps", 1.0, "a step is done in the second it is due"),
    Row("rollouts.tasks.keep_dates", 5.0, "edited days and freezes move the dates that people see"),
    Row("incidents.tasks.take_in_events", 1.0, "a rollback has its incident and clock at once"),
    Row("incidents.tasks.take_in_sources", 1.0, "an alert and a target's rollback have their incident at once, too"),
    Row("announcements.tasks.publish_due", 1.0, "an announcement goes out when it is due, by each outlet once"),
    Row("notifications.tasks.deliver", 1.0, "people are told at once, and retries are due"),
    Row("notifications.tasks.deliver_outside", 1.0, "chats and programs are told at once, beside each other"),
    Row("notifications.tasks.deliver_bulk", 1.0, "readers without an account are told at their own pace"),
    Row("notifications.tasks.send_digests", 60.0, "each person hears at their own morning what they are to do"),
    Row(
        "notifications.tasks.forget_unconfirmed", 600.0, "an address that nobody confirmed is kept as long as its link"
    ),
    Row("core.tasks.seal_history", 5.0, "a change of history behind the portal's back shows"),
    Row("recovery.tasks.drive_operations", 1.0, "an operation begins at once, and goes on when its worker died"),
    Row(
        "procedures.tasks.follow_procedures", 3.0, "a rollback has its checklists at once, and its figures are followed"
    ),
    Row("recovery.tasks.drive_drills", 2.0, "a drill goes from its flags to its targets to its report"),
    Row("recovery.tasks.begin_due_drills", 300.0, "each month, each environment tries how it goes back"),
    Row("recovery.tasks.warn_of_missed_drills", 600.0, "a month without a drill that passed alarms"),
    Row("rollouts.tasks.remind_of_steps", 60.0, "people hear of a step before it is done"),
    Row("rollouts.tasks.remind_of_investigations", 20.0, "people hear when complaints wait beyond their deadline"),
    Row("rollouts.tasks.send_daily_summaries", 60.0, "those who drive hear each evening how the day went"),
    Row("incidents.tasks.warn_of_deadlines", 20.0, "50, 80 and 100 % of an RTO"),
    Row("incidents.tasks.write_timelines", 2.0, "a timeline tells what every app did while people look at it"),
    Row("incidents.tasks.warn_of_words", 10.0, "who speaks hears that the public waits for a word"),
    Row("announcements.tasks.remind_of_updates", 20.0, "who promised more hears that people wait for it"),
    Row("incidents.tasks.make_calls_due", 5.0, "who complained hears that it is over while they still wait for it"),
    Row(
        "incidents.tasks.remind_of_measures",
        600.0,
        "measures and post-mortems are remembered before, on and after their dates",
    ),
    Row("statuspage.tasks.tell_readers", 5.0, "who subscribed hears each public word"),
    Row("statuspage.tasks.publish_page", 5.0, "the static copy of the status page is written on every change"),
    Row("flags.tasks.remind_of_removals", 600.0, "owners hear of flags that everybody has got for long"),
    Row("health.tasks.forget_old_words", 600.0, "complaints' names and words end after their retention"),
    Row("rollouts.tasks.forget_old_feedback", 600.0, "the words of feedback end with those of complaints"),
    Row("health.tasks.roll_up_samples", 1.0, "figures and error rates are read from sums, a second old"),
    Row("health.tasks.roll_up_latencies", 15.0, "p95 is judged by the minute; many samples share a row"),
    Row("health.tasks.make_sample_days", 600.0, "the first sample of a day must not wait for its partition"),
    Row("health.tasks.forget_old_samples", 600.0, "samples fill the disk; baselines look back four weeks"),
    Row("health.tasks.forget_old_alerts", 600.0, "alerts that nobody has sent for long say nothing any more"),
    Row("health.tasks.forget_old_series", 600.0, "each process of a reporting service leaves series behind"),
    Row("health.tasks.forget_old_memories", 600.0, "what lanes knew of rollouts that ended is of no use"),
    Row("health.tasks.forget_old_readings", 600.0, "what queries said is judged for a quarter of an hour"),
    Row("releaseportal.tasks.send_history_head", 600.0, "a head known outside shows a chain cut or made anew"),
    Row("releaseportal.tasks.restart_rehearsal", 5.0, "the demo's rehearsal begins again when it ends"),
)
