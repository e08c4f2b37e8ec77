"""What the source may not say: floats near money, texts marked as safe, writes past the services, loose ends.

Every list of exceptions says why, and fails when one of them is no longer needed.
"""

from __future__ import annotations

import ast
import re

from tests.every import every
from tests.source import OURS, PRODUCT, ROOT, Found, Module, called, check_declared, find, imports, modules

MONEY = ("payments", "codes", "backoffice/kit")
FLOATS = {
    ("payments/providers/headers.py", "retry_after"): "seconds to wait",
    ("payments/providers/http.py", "Http.call"): "milliseconds of a call",
    ("payments/providers/coinjoin/signatures.py", "php_number"): "how PHP spells a number that is signed",
    ("payments/providers/headers.py", "skew_ms"): "milliseconds between two clocks",
    ("payments/services/calls.py", "_take_turn"): "calls per second",
    ("payments/services/schedule.py", "asked_to_wait"): "seconds to wait",
    ("payments/services/failpoints.py", "hit"): "seconds to sleep in a test",
    ("payments/tables/pieces.py", "clock"): "seconds between two clocks",
}
#: json.loads reads 0.1 as a float; kit.money.loads as what was written.
PLAIN_JSON = {
    ("backoffice/kit/fields.py", "unseal"): "the envelope of a secret: two texts",
    ("backoffice/kit/money.py", "loads"): "this is the reader for all others, with Decimals",
    ("payments/models/accounts.py", "ProviderAccount.keys"): "credentials: texts",
    ("payments/providers/coinjoin/signatures.py", "spelled"): "numbers stay texts, as they were spelled",
    ("payments/providers/redaction.py", "Redactor._string"): "one quoted text",
    ("payments/tables/pieces.py", "pretty"): "numbers stay as they were spelled",
}

#: Where a text is marked as safe HTML. Everything that came from outside is escaped before.
SAFE = {
    ("backoffice/kit/html.py", ""): "a constant",
    ("backoffice/kit/html.py", "icon"): "the icon library's own SVG, by a name in our source",
    ("backoffice/kit/html.py", "table_rows"): "attributes that are HTML already; contents are escaped",
    ("backoffice/kit/html.py", "link"): "class, address and text are escaped",
    ("backoffice/kit/html.py", "headings"): "attributes that are HTML already; address and label are escaped",
    ("backoffice/kit/html.py", "menu"): "addresses and words are escaped",
    ("backoffice/kit/html.py", "field"): "attributes are escaped by Django",
    ("backoffice/kit/html.py", "select"): "values and words are escaped, attributes by Django",
    ("backoffice/kit/html.py", "pill"): "the text is escaped, the tone one of TONES",
    ("backoffice/kit/html.py", "money"): "amount and currency are escaped",
    ("backoffice/kit/html.py", "when"): "digits of a datetime",
    ("backoffice/kit/html.py", "qr"): "segno's SVG: paths, no text",
    ("backoffice/kit/html.py", "class_attr"): "a constant",
    ("backoffice/kit/html.py", "fact"): "the output of a template, which escapes",
    ("backoffice/kit/html.py", "panel"): "the output of a template, which escapes",
    ("backoffice/kit/html.py", "folded_facts"): "a constant",
}
SAFE_TEMPLATES = {
    ("sandbox/templates/sandbox/bitloga/payer.html", "qr|safe"): "segno's SVG: paths, no text",
}

#: Boxes for long texts that are no NoteField by themselves: in one of those many read what was typed.
BOXES = {
    ("backoffice/kit/forms.py", "_text_widget"): "what providers ask for, as they declare it",
    ("backoffice/kit/forms.py", "NoteField.__init__"): "the NoteField",
    ("payments/forms/account_batches.py", "batch_fields"): "a NoteField as Django's admin draws it",
    (
        "codes/forms/vouchers.py",
        "VoucherForm._own_fields",
    ): "the provider's description, which is its own field",
}

#: What writes to the database and is not a service.
WRITERS = {
    ("backoffice/audit.py", "record"): "the only writer of the audit trail, called by services",
    (
        "backoffice/management/commands/demo.py",
        "Command._logins",
    ): "the demo's users; refused outside of DEBUG",
    ("backoffice/management/commands/reencrypt.py", "Command.handle"): "the same values under the newest key",
    ("backoffice/permissions.py", "sync_groups"): "the roles of the table, after each migrate",
    (
        "backoffice/kit/views/bulk.py",
        "BulkActionView._keep",
    ): "the person's session: what came of each row, also for who is cut off in between",
    ("payments/views/callbacks.py", ""): "token check and inbox row in one statement: the path is lean",
}

NETWORK = (
    "requests",
    "urllib3",
    "http.client",
    "urllib.request",
    "socket",
    "httpx",
    "aiohttp",
    "ftplib",
    "telnetlib",
)
TALKERS = {
    "payments/providers/hosts.py": "asks the resolver, so that the address can be checked and pinned",
    "payments/providers/http.py": "the only place that talks to providers",
    "payments/providers/sockets.py": "its connections",
    "backoffice/demo.py": "asks the sandbox's control page for the demo account's keys",
    "backoffice/runner.py": "asks this machine whether the web answers; no product code",
    "backoffice/installation.py": "asks this machine whether a port is free; no product code",
}


def everywhere(folders: tuple[str, ...], matches: object) -> list[Found]:
    return [one for module in modules(*folders) for one in find(module, matches)]  # type: ignore[arg-type]


class TestExactNumbers:
    """I01: 0 floats near money."""

    @staticmethod
    def is_float(node: ast.AST) -> str:
        match node:
            case ast.Call(func=ast.Name(id="float" | "round" as name)):
                return f"{name}()"
            case ast.keyword(value=ast.Name(id="float")):
                return "float as an argument"
            case ast.Name(id="FloatField") | ast.Attribute(attr="FloatField") | ast.alias(name="FloatField"):
                return "FloatField"
        return ""

    @staticmethod
    def is_plain_json(node: ast.AST) -> str:
        match node:
            case ast.Call(
                func=ast.Attribute(attr="loads" | "load", value=ast.Name(id="json" | "simplejson"))
            ):
                return "json.loads"
            case ast.Call(func=ast.Attribute(attr="json"), args=[], keywords=[]):
                return ".json()"
            case ast.ImportFrom(module="json" | "simplejson"):
                return "from json import"
        return ""

    def test_no_float_comes_near_money(self) -> None:
        check_declared(everywhere(MONEY, self.is_float), FLOATS)

    def test_json_is_read_with_decimals(self) -> None:
        check_declared(everywhere(MONEY, self.is_plain_json), PLAIN_JSON)


class TestErrors:
    def test_no_except_catches_everything_without_a_name(self) -> None:
        def bare(node: ast.AST) -> str:
            return "except:" if isinstance(node, ast.ExceptHandler) and node.type is None else ""

        check_declared(everywhere((*OURS, "tests", "benchmarks"), bare), {})


class TestNotes:
    def test_what_many_read_is_checked_for_cards_and_codes(self) -> None:
        def is_box(node: ast.AST) -> str:
            return "Textarea" if isinstance(node, ast.Call) and called(node) == "Textarea" else ""

        check_declared(everywhere(OURS, is_box), BOXES)


class TestSafeTexts:
    """K03: 0 unreviewed."""

    MARKERS = {"mark_safe", "SafeString", "SafeText", "SafeData", "Markup", "html_safe"}
    TRANSLATES = {"_", "_t", "gettext", "gettext_lazy", "pgettext", "ngettext"}

    def marks(self, node: ast.AST) -> str:
        match node:
            case ast.Call() if called(node) in self.MARKERS:
                return called(node)
            case ast.FunctionDef(name="__html__"):
                return "__html__"
            case ast.Call(args=[pattern, *_]) if called(node) == "format_html" and not self.is_fixed(pattern):
                return "format_html of a text that is not fixed"
            case ast.Call(args=[*parts]) if called(node) == "format_html_join":
                return (
                    ""
                    if all(map(self.is_fixed, parts[:2]))
                    else "format_html_join of a text that is not fixed"
                )
        return ""

    def is_fixed(self, node: ast.AST) -> bool:
        match node:
            case ast.Constant(value=str()):
                return True
            case ast.Call(args=[*parts]):
                return called(node) in self.TRANSLATES and all(
                    isinstance(one, ast.Constant) for one in parts[:1]
                )
        return False

    def test_code_marks_a_text_as_safe_only_where_it_is_reviewed(self) -> None:
        check_declared(everywhere(OURS, self.marks), SAFE)

    def test_templates_do_so_only_where_it_is_reviewed(self) -> None:
        loose = re.compile(r"[\w.]+\s*\|\s*(?:safe|safeseq)\b|\{%\s*(?:end)?autoescape\s+(?:off|false)\b")
        pages = [path for folder in ("templates", *OURS) for path in (ROOT / folder).rglob("*.html")]
        assert pages, "the templates were not found"
        found = [
            Found(
                page.relative_to(ROOT).as_posix(), hit[0], text.count("\n", 0, hit.start()) + 1, "not escaped"
            )
            for page in pages
            for text in [page.read_text()]
            for hit in loose.finditer(text)
        ]
        check_declared(found, SAFE_TEMPLATES)


class TestOneDoor:
    """Only services write. A heuristic by names: it sees the usual ways to write, not every way."""

    ROWS = {"objects", "_base_manager", "_default_manager", "queryset", "rows"}
    ALWAYS = {
        "save",
        "save_base",
        "bulk_create",
        "bulk_update",
        "get_or_create",
        "update_or_create",
        "create",
    }
    SQL = re.compile(
        r"\s*(with\b.*)?\b(insert\s+into|update\s+\S+\s+set|delete\s+from|truncate)\b",
        re.IGNORECASE | re.DOTALL,
    )

    def writes(self, node: ast.AST) -> str:
        match node:
            case ast.Call(func=ast.Attribute(attr=verb, value=receiver), args=given, keywords=named):
                if isinstance(receiver, ast.Call) and called(receiver) == "super":
                    return ""
                plural = isinstance(receiver, ast.Call | ast.Name) or (
                    isinstance(receiver, ast.Attribute) and receiver.attr in self.ROWS
                )
                if (
                    verb in self.ALWAYS
                    or (verb == "update" and named and not given and plural)
                    or (verb == "delete" and not given and not named)
                ):
                    return f"{ast.unparse(node.func)}()"
            case ast.Constant(value=str() as text) if self.SQL.match(text):
                return "SQL that writes"
        return ""

    @staticmethod
    def services_of(module: Module) -> set[str]:
        """The names under which a file calls services: `invoices.create(...)` is the door itself."""
        named = set()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("services"):
                named |= {alias.asname or alias.name for alias in node.names}
        return named

    def test_nothing_but_services_writes(self) -> None:
        found = []
        for module in modules(*PRODUCT):
            if "/services/" in module.path or module.path.startswith("payments/providers/"):
                continue
            services = self.services_of(module)
            found += [one for one in find(module, self.writes) if one.what.split(".")[0] not in services]
        check_declared(found, WRITERS)


class TestNetwork:
    def test_only_the_providers_transport_talks(self) -> None:
        found = [
            Found(module.path, "", int(one.place.rpartition(":")[2]), one.target)
            for module in modules(*PRODUCT)
            for one in imports(module)
            if any(one.target == name or one.target.startswith(f"{name}.") for name in NETWORK)
        ]
        check_declared(found, {(path, ""): why for path, why in TALKERS.items()})


class TestWords:
    # In quotes, three X are ISO 4217's code for no currency.
    LOOSE_ENDS = re.compile(rf"""\b(?:{"TO" + "DO"}|{"FIX" + "ME"}|(?<!['"]){"X" * 3})\b""")
    FOLDERS = (*OURS, "tests", "benchmarks", "templates", "static", "docs")
    KINDS = {".py", ".html", ".txt", ".css", ".js", ".md", ".toml", ".svg"}

    def test_no_loose_ends(self) -> None:
        files = [
            path
            for folder in self.FOLDERS
            for path in (ROOT / folder).rglob("*")
            if path.suffix in self.KINDS
        ]
        files += [
            path
            for path in ROOT.iterdir()
            if path.suffix in self.KINDS or path.name in {"Makefile", "Procfile"}
        ]
        assert len(files) > 100, "the files were not found"
        found = [
            f"{path.relative_to(ROOT)}:{number} {line.strip()}"
            for path in files
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if self.LOOSE_ENDS.search(line)
        ]
        assert not found, "\n".join(found)

    @every("module", modules(*OURS))
    def test_a_module_says_in_one_to_five_lines_what_it_holds(self, module: Module) -> None:
        if not module.text.strip():
            return  # an empty __init__.py holds nothing
        lines = [line for line in (ast.get_docstring(module.tree) or "").splitlines() if line.strip()]
        assert 1 <= len(lines) <= 5, f"{module.path} has {len(lines)}"
