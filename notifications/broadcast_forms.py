"""What people fill in about users of the tills, and why a broadcast is stopped."""

from django import forms
from django.core.validators import FileExtensionValidator
from django.utils.translation import gettext_lazy as _

from core.history import MAX_REASON_CHARACTERS

MOST_BYTES = 3_000_000


class UsersForm(forms.Form):
    """A list of addresses, pasted or as a file."""

    text = forms.CharField(
        label=_("Addresses"),
        max_length=MOST_BYTES,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=_("One a line, or a table, as in the examples."),
    )
    file = forms.FileField(label=_("or a file"), required=False, validators=[FileExtensionValidator(["csv", "txt"])])

    def clean(self) -> dict[str, object]:
        """Take the file's text where there is one."""
        given = super().clean() or {}
        file = given.get("file")
        if file is not None:
            if file.size > MOST_BYTES:
                raise forms.ValidationError(_("The file is too large: at most 3 MB."))
            try:
                given["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                raise forms.ValidationError(_("The file is no text in UTF-8. Save it as CSV UTF-8.")) from None
        if not str(given.get("text", "")).strip():
            raise forms.ValidationError(_("Paste addresses, or choose a file."))
        return given


class SteerForm(forms.Form):
    """Why a broadcast is paused, goes on or is broken off."""

    reason = forms.CharField(label=_("Why"), max_length=MAX_REASON_CHARACTERS)
