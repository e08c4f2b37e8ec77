"""Users with their roles in Django's admin. Every write goes through services.users and services.roles.

No field makes a superuser, a staff member or a single permission. The audit trail has its own page.
"""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth import password_validation
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from backoffice import permissions
from backoffice.kit.admin import OfficeAdmin
from backoffice.services import roles, users

for model in (Group, User, EmailAddress, Authenticator, UserSession):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class RolesField(forms.MultipleChoiceField):
    """The roles as ticks. Refuses those that exclude each other; the service does so again."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        options: dict[str, Any] = {"label": _("Roles"), "required": False}
        super().__init__(**options | {"choices": list(permissions.ROLES.items())} | kwargs)

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        if permissions.ADMIN in value and roles.NOT_WITH_ADMIN & set(value):
            raise ValidationError(
                _("An admin neither requests nor approves money. Choose Admin, or Operator and Approver."),
                code="roles_exclude",
            )


class NewUserForm(UserCreationForm):
    """Name, password and roles of a new user."""

    roles = RolesField()

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email")


class UserForm(forms.ModelForm):
    """Names, roles, a new password, and whether the user may log in. Whatever else is posted is not read."""

    roles = RolesField()
    new_password = forms.CharField(
        label=_("New password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave it empty to keep the password. A new one ends all sessions of this user."),
    )
    own = False

    class Meta:
        model = User
        fields = ("first_name", "last_name", "email", "is_active")
        labels = {"is_active": _("May log in")}
        help_texts = {"is_active": _("Off: logged out everywhere at once. Users are never deleted.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["roles"] = sorted(_roles(self.instance))
        if self.own:
            # One's own roles and switch are for somebody else, one's own password for the account's page.
            for name in {"roles", "is_active", "new_password"} & self.fields.keys():
                self.fields[name].disabled = True

    def clean_new_password(self) -> str:
        password = self.cleaned_data["new_password"]
        if password:
            password_validation.validate_password(password, self.instance)
        return password


class RoleFilter(admin.SimpleListFilter):
    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(permissions.ROLES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        return queryset.filter(groups__name=self.value()) if self.value() else queryset


def _roles(user: Any) -> set[str]:
    names = set(user.groups.values_list("name", flat=True)) if user.pk else set()
    return names & permissions.ROLES.keys()


@admin.register(User)
class UserAdmin(OfficeAdmin):
    """Who works here. For admins, and for a superuser, so that a new installation gets its first admin."""

    view_permission = manage_permission = "backoffice.manage_user"
    list_display = ("username", "full_name", "role_names", "is_active", "second_factor", "last_login")
    list_filter = ("is_active", RoleFilter)
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    readonly_fields = ("username", "last_login", "date_joined")
    actions = ("deactivate", "unlock", "remove_second_factor")
    person: Any = (_("Person"), {"fields": ("first_name", "last_name", "email")})
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "is_active", "new_password")}),
        person,
        (_("Roles"), {"fields": ("roles",)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "password1", "password2")}),
        person,
        (_("Roles"), {"fields": ("roles",)}),
    )

    # --- Who may ---
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return permissions.may_manage_users(request.user)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return permissions.may_manage_users(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return permissions.may_manage_users(request.user)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # Nobody guesses a password's digest by filtering the list.
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    # --- The form ---
    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(request, *args, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        if not self.has_change_permission(request, obj):
            return ((None, {"fields": ("username", "is_active", "role_names")}), self.person)
        return self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return (*self.readonly_fields, "role_names")
        return self.readonly_fields if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        base = UserForm if change else NewUserForm
        made = super().get_form(request, obj, change=change, **{"form": base} | kwargs)
        if change and obj is not None and obj.pk == request.user.pk:
            return type("OwnUserForm", (made,), {"own": True})
        return made

    # --- The list ---
    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        factor = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
        return super().get_queryset(request).prefetch_related("groups").annotate(has_factor=Exists(factor))

    @admin.display(description=_("Name"))
    def full_name(self, user: Any) -> str:
        return user.get_full_name()

    @admin.display(description=_("Roles"))
    def role_names(self, user: Any) -> str:
        names = {group.name for group in user.groups.all()}
        return ", ".join(str(title) for role, title in permissions.ROLES.items() if role in names)

    @admin.display(description=_("Second factor"), boolean=True, ordering="has_factor")
    def second_factor(self, user: Any) -> bool:
        return user.has_factor

    # --- Writing ---
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The services write; the object that the form filled is only read."""
        actor, typed = request.user, form.cleaned_data
        with transaction.atomic():
            if not change:
                person = {name: typed[name] for name in users.FIELDS}
                made = users.create(
                    actor=actor, username=typed["username"], password=typed["password1"], **person
                )
                obj.__dict__.update(made.__dict__)
            elif person := {name: typed[name] for name in users.FIELDS if name in form.changed_data}:
                users.change(actor=actor, user=obj, **person)
            if change and "is_active" in form.changed_data:
                switch = users.activate if typed["is_active"] else users.deactivate
                switch(actor=actor, user=obj)
            if change and typed["new_password"]:
                users.set_password(actor=actor, user=obj, password=typed["new_password"])
            has, wanted = _roles(obj), set(typed["roles"])
            for role in sorted(has - wanted):
                roles.take(actor=actor, user=obj, role=role)
            for role in sorted(wanted - has):
                roles.give(actor=actor, user=obj, role=role)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing here: groups are written by services.roles alone."""

    # --- Actions ---
    @admin.action(description=_("Log out and switch off"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._each(request, queryset, users.deactivate)

    @admin.action(description=_("Unlock after wrong passwords"), permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._each(request, queryset, users.unlock)

    @admin.action(description=_("Remove the second factor (lost phone)"), permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._each(request, queryset, users.remove_second_factor)

    def _each(self, request: HttpRequest, queryset: QuerySet[User], service: Any) -> None:
        done = 0
        for user in queryset:
            try:
                service(actor=request.user, user=user)
            except PermissionDenied as refused:
                self.message_user(request, f"{user}: {refused}", messages.ERROR)
            else:
                done += 1
        if done:
            words = ngettext("%(count)d user: done.", "%(count)d users: done.", done)
            self.message_user(request, words % {"count": done}, messages.SUCCESS)
