"""The models of the office itself: audit, notes, preferences, roles. Nothing about money."""

from .audit import AppendOnly, AuditEntry
from .notes import Note
from .preferences import Preference
from .role_changes import RoleChange

__all__ = ["AppendOnly", "AuditEntry", "Note", "Preference", "RoleChange"]
