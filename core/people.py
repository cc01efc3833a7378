"""What is written about people: their accounts, their roles. Nobody is ever deleted."""

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.models import Language, User
from core.roles import Role

MAX_PHONE_CHARACTERS = 40


def make_groups(*, using: str = "default") -> None:
    """Make sure that every role has its group."""
    for role in Role:
        Group.objects.using(using).get_or_create(name=role.value)


@transaction.atomic
def create_person(
    *,
    username: str,
    roles: Collection[Role],
    actor: Actor,
    reason: str,
    now: datetime,
    email: str = "",
    full_name: str = "",
    language: str = Language.FRENCH,
    phone: str = "",
    password: str | None = None,
) -> User:
    """Return a new person with their roles; without a password they cannot sign in until one is set."""
    username = _check_username(username)
    first_name, _, last_name = full_name.strip().partition(" ")
    user = User(
        username=username,
        email=_check_email(email),
        first_name=first_name[:150],
        last_name=last_name[:150],
        language=_check_language(language),
        phone=_check_phone(phone),
        is_staff=_sees_admin(roles),
        date_joined=now,
    )
    if password is not None:
        _check_password(password, user)
    user.set_password(password)
    with recorded(actor=actor, reason=reason, now=now):
        user.save(force_insert=True)
        user.groups.set(_groups_of(roles))
    return user


@transaction.atomic
def set_roles(*, user_id: int, roles: Collection[Role], actor: Actor, reason: str, now: datetime) -> User:
    """Give a person exactly these roles. The last active admin stays one."""
    user = _lock(user_id)
    if Role.ADMIN not in roles:
        _check_other_admin(user)
    with recorded(actor=actor, reason=reason, now=now):
        if user.is_staff != _sees_admin(roles):
            user.is_staff = _sees_admin(roles)
            user.save(update_fields=["is_staff"])
        user.groups.set(_groups_of(roles))
    return _lock(user_id)


@transaction.atomic
def deactivate_person(*, user_id: int, actor: Actor, reason: str, now: datetime) -> User:
    """End a person's access; their name stays in history. Not one's own, not the last admin's."""
    user = _lock(user_id)
    if actor.user_id == user_id:
        raise Refusal("own_account", username=user.username)
    _check_other_admin(user)
    return _set_active(user, is_active=False, actor=actor, reason=reason, now=now)


@transaction.atomic
def reactivate_person(*, user_id: int, actor: Actor, reason: str, now: datetime) -> User:
    """Give a deactivated person their access back; what was signed in before stays signed out."""
    return _set_active(_lock(user_id), is_active=True, actor=actor, reason=reason, now=now)


@transaction.atomic
def change_person(
    *,
    user_id: int,
    full_name: str,
    email: str,
    language: str,
    phone: str,
    actor: Actor,
    reason: str,
    now: datetime,
) -> User:
    """Change how a person is called and reached."""
    user = _lock(user_id)
    first_name, _, last_name = full_name.strip().partition(" ")
    wanted = {
        "first_name": first_name[:150],
        "last_name": last_name[:150],
        "email": _check_email(email),
        "language": _check_language(language),
        "phone": _check_phone(phone),
    }
    changed = [name for name, value in wanted.items() if getattr(user, name) != value]
    if changed:
        for name in changed:
            setattr(user, name, wanted[name])
        with recorded(actor=actor, reason=reason, now=now):
            user.save(update_fields=changed)
    return user


@transaction.atomic
def set_password(*, user_id: int, password: str, actor: Actor, reason: str, now: datetime) -> User:
    """Give a person a new password; history says that and why, never what."""
    user = _lock(user_id)
    _check_password(password, user)
    user.set_password(password)
    with recorded(actor=actor, reason=reason, now=now):
        # Not the password alone: User.save() takes that for the silent re-hash at sign-in.
        user.save(update_fields=["password", "is_active"])
    return user


def _lock(user_id: int) -> User:
    user = User.objects.select_for_update(of=("self",)).filter(pk=user_id).first()
    if user is None:
        raise InvalidInput("person_unknown", user_id=user_id)
    return user


def _set_active(user: User, *, is_active: bool, actor: Actor, reason: str, now: datetime) -> User:
    if user.is_active != is_active:
        user.is_active = is_active
        user.access_since = now if is_active else user.access_since
        with recorded(actor=actor, reason=reason, now=now):
            user.save(update_fields=["is_active", "access_since"])
    return user


def _check_other_admin(user: User) -> None:
    """Refuse to take away the last active admin: nobody could manage people any more."""
    if Role.ADMIN not in user.roles:
        return
    admins = Group.objects.select_for_update().get(name=Role.ADMIN.value)
    if not admins.user_set.filter(is_active=True).exclude(pk=user.pk).exists():
        raise Refusal("last_admin", username=user.username)


def _sees_admin(roles: Collection[Role]) -> bool:
    return bool({Role.ADMIN, Role.AUDITOR} & set(roles))


def _groups_of(roles: Collection[Role]) -> list[Group]:
    return list(Group.objects.filter(name__in=[Role(role).value for role in roles]))


def _check_username(username: str) -> str:
    username = User.normalize_username(username.strip())
    try:
        UnicodeUsernameValidator()(username)
    except ValidationError:
        raise InvalidInput("username_invalid", username=username) from None
    if len(username) > 150:
        raise InvalidInput("username_invalid", username=username[:150])
    if User.objects.filter(username__iexact=username).exists():
        raise Refusal("username_taken", username=username)
    return username


def _check_email(email: str) -> str:
    email = email.strip()
    if email:
        try:
            validate_email(email)
        except ValidationError:
            raise InvalidInput("email_invalid", email=email) from None
    return email


def _check_language(language: str) -> str:
    if language not in Language.values:
        raise InvalidInput("language_unknown", language=language)
    return language


def _check_phone(phone: str) -> str:
    if len(phone.strip()) > MAX_PHONE_CHARACTERS:
        raise InvalidInput("phone_too_long", limit=MAX_PHONE_CHARACTERS)
    return phone.strip()


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as fault:
        raise InvalidInput("password_weak", faults=" ".join(fault.messages)) from None
