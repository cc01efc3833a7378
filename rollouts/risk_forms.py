"""What a release manager says of a risk, how grave it is, and the register's filters."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.fields import DayField
from core.history import MAX_REASON_CHARACTERS
from core.models import User
from flags.forms import ReasonedForm
from flags.models import Flag
from rollouts.domain.risks import HIGHEST, LOWEST
from rollouts.investigation_queries import list_investigators
from rollouts.models import Release, Risk
from rollouts.models.risks import LONGEST_TITLE
from rollouts.risk_labels import CATEGORIES, IMPACTS, LEVELS, LIKELIHOODS, STATES
from rollouts.risk_queries import ANY_STATE, NOBODY, Wanted
from rollouts.transitions.keeping_risks import MAX_WORDS_CHARACTERS, RiskWords


def _rate(label: Any, words: dict[str, Any]) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label=label, choices=list(words.items()), coerce=int, initial="3")


class RiskForm(ReasonedForm):
    """What is said of a risk: what may go wrong and why, what is done about it, who owns it, what it is about."""

    title = forms.CharField(
        label=_("What may go wrong"),
        max_length=LONGEST_TITLE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    category = forms.ChoiceField(label=_("Category"), choices=list(CATEGORIES.items()))
    description = forms.CharField(
        label=_("Cause"), max_length=MAX_WORDS_CHARACTERS, widget=forms.Textarea(attrs={"rows": 3}), required=False
    )
    mitigation = forms.CharField(
        label=_("Mitigation"),
        help_text=_("What makes it rarer or less grave. Markdown."),
        max_length=MAX_WORDS_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 5}),
        required=False,
    )
    owner = forms.ModelChoiceField(User.objects.none(), label=_("Owner"), required=False, empty_label=_("nobody yet"))
    review_on = DayField(label=_("To be looked at again on"), required=False)
    releases = forms.ModelMultipleChoiceField(
        Release.objects.all(),
        label=_("Releases"),
        to_field_name="version",
        required=False,
        help_text=_("Without a release and a flag it is a risk of every rollout."),
    )
    flags = forms.ModelMultipleChoiceField(Flag.objects.none(), label=_("Flags"), to_field_name="key", required=False)

    def __init__(self, *args: Any, risk: Risk | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fitting, present = list_investigators().values("pk"), [risk.owner_id] if risk and risk.owner_id else []
        owners = User.objects.filter(Q(pk__in=fitting) | Q(pk__in=present)).order_by("username")
        self.fields["owner"].queryset = owners  # type: ignore[attr-defined]  # a field of rows
        linked = [row.flag_id for row in risk.risk_flags.all()] if risk else []
        flags = Flag.objects.filter(Q(archived_at=None) | Q(pk__in=linked)).order_by("key")
        self.fields["flags"].queryset = flags  # type: ignore[attr-defined]  # a field of rows

    @property
    def words(self) -> RiskWords:
        """What was filled in, the rating and the reason apart."""
        given = self.cleaned_data
        return RiskWords(
            title=given["title"],
            category=given["category"],
            description=given["description"],
            mitigation=given["mitigation"],
            owner_id=given["owner"].pk if given["owner"] else None,
            review_on=given["review_on"],
            release_ids=[one.pk for one in given["releases"]],
            flag_ids=[one.pk for one in given["flags"]],
        )


class NewRiskForm(RiskForm):
    """A risk that is written down, with its first rating."""

    likelihood = _rate(_("Likelihood"), LIKELIHOODS)
    impact = _rate(_("Impact"), IMPACTS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["title", "category", "likelihood", "impact"])


class RatingForm(ReasonedForm):
    """How likely and how grave a risk is now, and when to look again."""

    likelihood = _rate(_("Likelihood"), LIKELIHOODS)
    impact = _rate(_("Impact"), IMPACTS)
    review_on = DayField(label=_("To be looked at again on"), required=False)


class ReviewForm(ReasonedForm):
    """What a person says of a risk for a plan; its rating stays or changes."""

    reason = forms.CharField(label=_("What you make of it"), max_length=MAX_REASON_CHARACTERS)
    likelihood = _rate(_("Likelihood"), LIKELIHOODS)
    impact = _rate(_("Impact"), IMPACTS)


class RiskFilter(forms.Form):
    """The register's filters; they live in the address."""

    category = forms.ChoiceField(label=_("Category"), choices=[("", _("all")), *CATEGORIES.items()], required=False)
    level = forms.ChoiceField(label=_("Level"), choices=[("", _("all")), *LEVELS.items()], required=False)
    state = forms.ChoiceField(
        label=_("State"),
        choices=[("", STATES["open"]), *((code, words) for code, words in STATES.items() if code != "open")],
        required=False,
    )
    owner = forms.ChoiceField(label=_("Owner"), required=False)
    release = forms.ModelChoiceField(
        Release.objects.all(), label=_("Release"), to_field_name="version", empty_label=_("all"), required=False
    )
    flag = forms.ModelChoiceField(
        Flag.objects.order_by("key"), label=_("Flag"), to_field_name="key", empty_label=_("all"), required=False
    )
    likelihood = forms.IntegerField(min_value=LOWEST, max_value=HIGHEST, widget=forms.HiddenInput, required=False)
    impact = forms.IntegerField(min_value=LOWEST, max_value=HIGHEST, widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(risks__isnull=False).distinct().order_by("username")
        state, owner = self.fields["state"], self.fields["owner"]
        state.choices = [*state.choices, (ANY_STATE, _("all"))]  # type: ignore[attr-defined]  # a field of choices
        owner.choices = [  # type: ignore[attr-defined]  # a field of choices
            ("", _("all")),
            (NOBODY, _("nobody yet")),
            *((one.username, str(one)) for one in people),
        ]

    @property
    def wanted(self) -> Wanted:
        """What is asked for; everything that is open where it is no sound question."""
        return Wanted(**self.cleaned_data) if self.is_valid() else Wanted()
