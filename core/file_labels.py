"""Words of files: what is wrong in them, on which line, and how to mend it."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "file_empty": _("There is nothing in this file."),
    "file_too_large": _("A file may have at most %(most)s bytes: part it in several."),
    "file_not_utf8": _("This is no text in UTF-8: save the file as UTF-8."),
    "file_no_yaml": _("Line %(line)s: this is no YAML (%(fault)s). Look at its indents, colons and quotes."),
    "file_anchor": _("Line %(line)s: anchors (&) and aliases (*) are not read: write the value out."),
    "file_tag": _("Line %(line)s: the tag %(tag)s is not read: leave it out."),
    "file_too_deep": _("Line %(line)s: at most %(most)s levels may lie inside each other."),
    "file_too_many": _("Line %(line)s: the file holds too much from here on: part it in several."),
    "file_key_no_text": _("Line %(line)s: the name of a field is one word."),
    "file_key_twice": _("Line %(line)s: “%(key)s” stands on line %(first)s already: leave one out."),
    "file_word_unclear": _(
        "Line %(line)s: some readers of YAML take the bare word %(word)s for something else. "
        "For a text write it in quotes, as '%(word)s'; for yes or no write true or false; for a number, plain digits."
    ),
    "file_character_unstorable": _("Line %(line)s: there is a character that cannot be stored."),
    "file_kind_wrong": _("Line %(line)s: a document here begins with “kind: %(kind)s”."),
    "file_too_new": _("Line %(line)s: this portal knows the schema up to version %(known)s."),
    "file_thing_twice": _("Line %(line)s: %(key)s has a document further up already."),
    "file_field_unknown": _("Line %(line)s: there is no field “%(field)s” here."),
    "file_field_missing": _("Line %(line)s: the field “%(field)s” is missing."),
    "file_value_unknown": _("Line %(line)s, %(field)s: write one of %(choices)s."),
    "file_length_wrong": _("Line %(line)s, %(field)s: its length must be %(bound)s."),
    "file_number_wrong": _("Line %(line)s, %(field)s: the number must be %(bound)s."),
    "file_text_wrong": _("Line %(line)s, %(field)s: write it as in %(example)s."),
    "file_wants_text": _("Line %(line)s, %(field)s: a text belongs here; put it in quotes."),
    "file_wants_yes_or_no": _("Line %(line)s, %(field)s: true or false belongs here."),
    "file_wants_number": _("Line %(line)s, %(field)s: a number belongs here, without quotes."),
    "file_wants_list": _("Line %(line)s, %(field)s: a list belongs here, each item behind a dash."),
    "file_wants_fields": _("Line %(line)s, %(field)s: fields belong here, each as “name: value”."),
    "file_value_wrong": _("Line %(line)s, %(field)s: this value does not belong here."),
    "file_refused": _("Line %(line)s: %(words)s"),
}
