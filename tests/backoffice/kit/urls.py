"""Routes of pages that exist only for the tests of the kit, beside the real ones that the frame links to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import include, path

from backoffice.kit.filters import FilterSet, TextFilter
from backoffice.kit.states import IllegalMove
from backoffice.kit.tables import BaseTable, Column, LinkColumn
from backoffice.kit.views import (
    Action,
    ActionView,
    DetailView,
    ListView,
    PageAction,
    ServiceFormView,
    StaffView,
    form_paths,
)
from backoffice.models import Note

SEE, DO = "backoffice.view_dashboard", "backoffice.add_note"


class NoteTable(BaseTable):
    text = LinkColumn("Text", to=lambda note: f"/test/notes/{note.pk}/")
    reference = Column("Reference", orderable=True)

    class Meta:
        model = Note
        fields = ()


class NoteFilters(FilterSet):
    text = TextFilter(label="Text", lookup_expr="icontains")


class NoteListView(ListView):
    model = Note
    permission = SEE
    table_class = NoteTable
    filterset_class = NoteFilters
    select_related = ("author",)
    page_size = 3
    page_actions = (PageAction("New note", "test_note_create", DO, "plus", "primary"),)


class NoteDetailView(DetailView):
    model = Note
    permission = SEE
    template_name = "generic/detail.html"
    list_url_name = "test_note_list"
    actions = (
        Action("Shout", "test_note_shout", DO, "megaphone"),
        Action("Burn", "test_note_burn", DO, style="danger", confirm=True),
        Action("Never", "test_note_burn", DO, when=lambda note: False),
    )

    def live(self, obj: Note) -> int:
        return 0 if obj.text == "final" else 2


class TextForm(forms.Form):
    text = forms.CharField(max_length=20)
    how = forms.CharField(required=False)


def refuse(how: str) -> None:
    match how:
        case "field":
            raise ValidationError({"text": "Too rude.", "elsewhere": "The account is off."})
        case "plain":
            raise ValidationError("Not today.")
        case "move":
            raise IllegalMove("paid", "open")
        case "denied":
            raise PermissionDenied("Nobody decides about their own.")
        case "bug":
            raise LookupError("a mistake of ours")


class NoteCreateView(ServiceFormView):
    permission = DO
    form_class = TextForm
    title = "New note"
    success = "Kept."
    prefill = ("text",)
    cancel_url_name = "test_note_list"

    def made(self, token: Any) -> str | None:
        note = Note.objects.filter(reference=self.key()).first()
        return f"/test/notes/{note.pk}/" if note else None

    def key(self) -> str:
        return f"{self.form_token.int % 10**18:018}"

    def perform(self, form: TextForm) -> str:
        refuse(form.cleaned_data["how"])
        note, _new = Note.objects.get_or_create(
            reference=self.key(), defaults={"author": self.request.user, "text": form.cleaned_data["text"]}
        )
        return f"/test/notes/{note.pk}/"


class NoteShoutView(ActionView):
    model = Note
    permission = DO
    title = "Shout"
    question = "Really?"
    success = "Shouted."

    def get_success_url(self) -> str:
        return f"/test/notes/{self.object.pk}/"

    def perform(self, obj: Note, form: Any) -> str | None:
        refuse(obj.text)
        Note.objects.filter(pk=obj.pk).update(text=obj.text.upper())
        return None


class NoteBurnView(NoteShoutView):
    title = "Burn"
    form_class = TextForm

    def perform(self, obj: Note, form: TextForm) -> str:
        refuse(form.cleaned_data["how"])
        return f"Burned: {form.cleaned_data['text']}"


class ClosedView(StaffView):
    permission = "payments.manage_method"
    template_name = "generic/error.html"

    def get(self, request: Any) -> Any:
        return self.render()


urlpatterns = [
    path("test/notes/", NoteListView.as_view(), name="test_note_list"),
    path("test/notes/<int:pk>/", NoteDetailView.as_view(), name="test_note"),
    *form_paths("test/notes/new/", NoteCreateView, "test_note_create"),
    path("test/notes/<int:pk>/shout/", NoteShoutView.as_view(), name="test_note_shout"),
    path("test/notes/<int:pk>/burn/", NoteBurnView.as_view(), name="test_note_burn"),
    path("test/closed/", ClosedView.as_view(), name="test_closed"),
    path("", include("backoffice.urls")),
]
