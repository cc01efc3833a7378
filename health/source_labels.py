"""Words of monitoring systems that are asked."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "source_unknown": _("There is no such monitoring system."),
    "source_name_taken": _("There is a monitoring system %(name)s in this environment already."),
    "source_incomplete": _("Give it a name, a counter of requests and a counter of failed requests."),
    "source_unreadable": _("A field holds characters that cannot be stored."),
    "source_address_wrong": _("The address begins with http:// or https:// and holds no password, no ? and no #."),
    "source_labels_wrong": _("Name the label of the site; labels are letters, digits and underscores."),
    "source_times_wrong": _("Choose how often from the list, and give up after %(least)s to %(most)s seconds."),
    "secret_missing": _("Type the token or password, or choose to sign in with none."),
    "secret_again": _("The address is another one: type the token or password again."),
    "secret_unfit": _("A token or password has plain printable characters only."),
    "tenant_unfit": _("A tenant has plain printable characters only."),
}

#: Why a source gave no figures.
FAULTS: dict[str, str | Promise] = {
    "timed_out": _("It times out."),
    "unreachable": _("It cannot be reached: %(details)s"),
    "address_refused": _(
        "Its address leads where the portal may not go (%(details)s): let the network in with OUTBOUND_NETWORKS."
    ),
    "refused": _("It refused (%(status)s): %(details)s"),
    "partial": _("It said that something is missing, so nothing is counted: %(details)s"),
    "malformed": _("It answered, but not as Prometheus does: is the address right?"),
    "too_large": _("It answered with too much: narrow the counters down."),
    "no_data": _("It answers, and nothing was scraped in the last minutes."),
    "not_a_number": _("A counter holds what is no number."),
    "not_whole": _("A counter holds a fraction: give it a counter, no rate."),
    "more_errors_than_requests": _("There are more failed requests than requests: do both counters count the same?"),
    "too_many_requests": _("There are more requests than can be true."),
    "errors_absent": _(
        "There are requests, and no series of failed ones: is its name right? A counter that exists from the start, at"
        " zero, or one that is picked from the requests by a label, tells."
    ),
    "clock_skew": _("Its clock differs by %(seconds)s seconds from the portal's: set both by the network."),
    "secret_unreadable": _("Its token or password cannot be read any more: SECRET_KEY is another one. Type it again."),
    "broken": _("Asking it failed; the log says why."),
}


class _Data(dict[str, object]):
    """What a fault holds; "—" for what it lacks."""

    def __missing__(self, key: str) -> str:
        return "—"


def say_fault(code: str, data: Mapping[str, object]) -> str:
    """Return what a fault's code and data mean, in the language in force."""
    return str(FAULTS.get(code, code)) % _Data({name: value for name, value in data.items() if value != ""})
