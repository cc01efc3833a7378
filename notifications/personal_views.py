"""The page of a person's own settings."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext as _

from core import clock
from core.models import User
from core.roles import Capability, requires
from core.views import answer_form, remember_language
from notifications.digest_labels import ALWAYS
from notifications.domain.floods import CALM
from notifications.domain.parcels import FLOOD
from notifications.labels import GROUPS
from notifications.personal_forms import FIXED, PersonalForm, draw_initial
from notifications.personal_queries import find_settings
from notifications.personal_transitions import set_personal_settings


@requires(Capability.VIEW)
def edit(request: HttpRequest) -> HttpResponse:
    """Show and keep how a person is told, and when."""
    user: User = request.user  # type: ignore[assignment]  # the guard of the view refuses strangers
    before = user.language
    form = PersonalForm(
        request.POST if request.method == "POST" else None,
        initial=draw_initial(user, find_settings(user.pk)),
    )

    def then() -> HttpResponse:
        language = form.cleaned_data["language"]
        answer = redirect("notifications:personal")
        if language != before:
            # Only what was chosen: pages may well be read in another language than mails.
            remember_language(answer, language)
        with translation.override(language):
            messages.success(request, _("Your settings are kept."))
        return answer

    return answer_form(
        request,
        form,
        lambda: set_personal_settings(user_id=user.pk, **form.wishes, now=clock.now()),
        then=then,
        template="notifications/personal.html",
        context={
            "fixed": [(GROUPS[group][0], ALWAYS[group]) for group in FIXED],
            "email": user.email,
            "flood": FLOOD,
            "calm_minutes": CALM // timedelta(minutes=1),
        },
    )
