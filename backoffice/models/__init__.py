"""The models of the office itself: audit, notes, preferences, roles, search. Nothing about money."""

from .audit import AppendOnly, AuditEntry
from .notes import Note
from .preferences import Preference, SavedView
from .role_changes import RoleChange
from .search import SearchEntry

__all__ = ["AppendOnly", "AuditEntry", "Note", "Preference", "RoleChange", "SavedView", "SearchEntry"]
