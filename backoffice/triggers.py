"""The database's own refusal to change or delete written-once rows, as migration operations. Holds no model."""

from __future__ import annotations

from django.db.migrations import RunSQL

FUNCTION = RunSQL(
    """
    CREATE FUNCTION backoffice_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% rows are written once: % is refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'integrity_constraint_violation';
    END $$;
    """,
    "DROP FUNCTION backoffice_append_only();",
)


def append_only(table: str) -> RunSQL:
    """Refuse UPDATE and DELETE on the table."""
    return RunSQL(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION backoffice_append_only();",
        f"DROP TRIGGER append_only ON {table};",
    )


def never_deleted(table: str, *, fixed: tuple[str, ...]) -> RunSQL:
    """Refuse DELETE on the table, and UPDATE of what identifies a row."""
    same = " AND ".join(f"OLD.{column} IS NOT DISTINCT FROM NEW.{column}" for column in fixed)
    return RunSQL(
        f"CREATE TRIGGER never_deleted BEFORE DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION backoffice_append_only();"
        f"CREATE TRIGGER fixed_columns BEFORE UPDATE ON {table}"
        f" FOR EACH ROW WHEN (NOT ({same})) EXECUTE FUNCTION backoffice_append_only();",
        f"DROP TRIGGER never_deleted ON {table}; DROP TRIGGER fixed_columns ON {table};",
    )
