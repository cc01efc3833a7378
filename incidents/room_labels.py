"""Words of the war room: its timeline’s refusals, its checklist, and what the public is told."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents.domain.checklist import Item
from incidents.domain.words import WordStatus

REFUSALS: dict[str, str | Promise] = {
    "picture_untold": _("Say in words what the picture shows: not everybody sees it."),
    "entry_unknown": _("There is no such line in this timeline."),
    "pinned_too_many": _("%(limit)s lines are pinned already: take one off first."),
    "known_empty": _("Say what is known."),
    "todo_unknown": _("Nobody ticks this off on this incident."),
    "word_needs_person": _("The public is told by a person."),
    "word_empty": _("Say it in French and in English."),
    "word_in_one_language": _("Say it in both languages, or why one is enough."),
    "word_said_meanwhile": _("Somebody else told the public meanwhile. Read what was said, then say what is new."),
    "word_too_early": _("It is not restored yet: verify the restoration first."),
    "promise_after_the_end": _("After the end no further word is promised."),
    "promise_wrong": _("The next word is promised for later than now, within 20 minutes (minor: 8 hours)."),
}

WORD_STATUSES: dict[str, str | Promise] = {
    WordStatus.INVESTIGATING: _("We are looking into it"),
    WordStatus.IDENTIFIED: _("We know why"),
    WordStatus.MONITORING: _("It works again, we are watching"),
    WordStatus.RESOLVED: _("It is over"),
}

ITEMS: dict[str, str | Promise] = {
    Item.COMMAND: _("Somebody is in command"),
    Item.SAY_FIRST: _("Say the first public word"),
    Item.CALL_SHOPS: _("Call the shops that are hit"),
    Item.STOP_HARM: _("Stop the harm"),
    Item.WRITE_KNOWN: _("Write down what is known"),
    Item.COUNT_LOSSES: _("Count the sales that were lost or are wrong"),
    Item.CHECK_AT_TILL: _("Check at a till, with a real sale"),
    Item.RESTORED: _("Verify the restoration"),
    Item.SAY_END: _("Tell the public that it is over"),
}
