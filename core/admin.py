"""People: read by auditors, looked after by admins, with a reason. Copies taken of the records."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from core import clock, people
from core.actors import Actor, person
from core.errors import Refusal
from core.history import MAX_REASON_CHARACTERS
from core.labels import ROLES, say_refusal
from core.models import AuditLink, ExportRecord, User
from core.readonlyadmin import ReadOnlyAdmin, UntrackedAdmin
from core.roles import Capability, Role, can


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A person's data as an admin enters them; saving goes through core.people."""

    full_name = forms.CharField(label=_("full name"), max_length=200, required=False)
    roles = forms.MultipleChoiceField(
        label=_("roles"),
        choices=[(role.value, ROLES[role.value]) for role in Role],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    new_password = forms.CharField(
        label=_("new password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        required=False,
        help_text=_("Leave empty to keep the present one."),
    )
    reason = forms.CharField(
        label=_("reason"),
        max_length=MAX_REASON_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Why: it stays in the history."),
    )

    class Meta:
        model = User
        fields = ("username", "email", "language", "phone", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["full_name"].initial = self.instance.get_full_name()
            self.fields["roles"].initial = [role.value for role in self.instance.roles]
            self.fields["username"].disabled = True

    def clean_new_password(self) -> str:
        password: str = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.instance)
        return password


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("username", "get_full_name", "email", "shown_roles", "language", "is_active")
    list_filter = ("is_active", "groups", "language")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    hidden_fields = ("password", "user_permissions")
    history_list_display = ("actor_kind", "actor_label")

    @admin.display(description=_("roles"))
    def shown_roles(self, user: User) -> str:
        return ", ".join(sorted(role.value for role in user.roles))

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return can(request.user, Capability.MANAGE_PEOPLE)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return can(request.user, Capability.MANAGE_PEOPLE)

    def check_writing(self, request: HttpRequest) -> None:
        if not can(request.user, Capability.MANAGE_PEOPLE):
            self.check_reading(request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return PersonForm if self._edits(request) else super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if not self._edits(request):
            return super().get_fields(request, obj)
        fields = ["username", "full_name", "email", "phone", "language", "roles", "new_password", "reason"]
        return [*fields[:6], "is_active", *fields[6:]] if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if self._edits(request) else super().get_readonly_fields(request, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refusal as refusal:
            messages.error(request, say_refusal(refusal))
            return redirect(request.path)

    def save_model(self, request: HttpRequest, obj: User, form: PersonForm, change: bool) -> None:
        """Write through core.people; a plain obj.save() would have no actor and be refused."""
        if not isinstance(request.user, User) or not can(request.user, Capability.MANAGE_PEOPLE):
            raise PermissionDenied
        (self._change if change else self._create)(obj, form.cleaned_data, actor=person(request.user))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: core.people has written the roles."""

    def _create(self, obj: User, given: dict[str, Any], *, actor: Actor) -> None:
        created = people.create_person(
            username=given["username"],
            full_name=given["full_name"],
            email=given["email"],
            phone=given["phone"],
            language=given["language"],
            roles=[Role(role) for role in given["roles"]],
            password=given["new_password"] or None,
            actor=actor,
            reason=given["reason"],
            now=clock.now(),
        )
        obj.pk = created.pk

    def _change(self, obj: User, given: dict[str, Any], *, actor: Actor) -> None:
        said: dict[str, Any] = {"user_id": obj.pk, "actor": actor, "reason": given["reason"], "now": clock.now()}
        stored = User.objects.get(pk=obj.pk)
        reached = {name: given[name] for name in ("full_name", "email", "language", "phone")}
        people.change_person(**reached, **said)
        wanted = {Role(role) for role in given["roles"]}
        if wanted != stored.roles:
            people.set_roles(roles=wanted, **said)
        if given["new_password"]:
            people.set_password(password=given["new_password"], **said)
        if given["is_active"] != stored.is_active:
            (people.reactivate_person if given["is_active"] else people.deactivate_person)(**said)

    def _edits(self, request: HttpRequest) -> bool:
        """Tell whether this request shows the form: never on an old version's page."""
        match = request.resolver_match
        is_history = match is not None and str(match.url_name).endswith(("_history", "_simple_history"))
        return not is_history and can(request.user, Capability.MANAGE_PEOPLE)


@admin.register(ExportRecord)
class ExportRecordAdmin(UntrackedAdmin):
    list_display = ("exported_at", "person", "row_count", "filters")
    list_filter = ("exported_at",)
    list_select_related = ("person",)
    date_hierarchy = "exported_at"


@admin.register(AuditLink)
class AuditLinkAdmin(UntrackedAdmin):
    list_display = ("seq", "table_name", "history_id", "sealed_at", "hash")
    list_filter = ("table_name",)
    search_fields = ("hash",)
    ordering = ("-seq",)
