"""Every template compiles, every icon exists, and nothing in them needs a weaker policy in the browser."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from django.template import engines
from django.template.base import Node, Template
from django.template.loader import get_template, render_to_string

from backoffice.kit import html, office
from tests.every import every
from tests.source import PRODUCT, ROOT, modules

TEMPLATES = sorted(
    path.relative_to(ROOT / "templates").as_posix() for path in (ROOT / "templates").rglob("*.html")
)
PAGES = [name for name in TEMPLATES if "/messages/" not in name]


def source(name: str) -> str:
    return (ROOT / "templates" / name).read_text()


@every("name", TEMPLATES)
def test_template_compiles(name: str) -> None:
    get_template(name)


class TestPolicy:
    @every("name", PAGES)
    def test_has_no_inline_style_script_or_handler(self, name: str) -> None:
        text = re.sub(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", "", source(name), flags=re.DOTALL)
        assert not re.search(
            r"\sstyle\s*=|<style|\son[a-z]+\s*=|javascript:|hx-on|hx-vals\s*=\s*['\"]js", text
        )
        assert not re.search(r"<script(?![^>]*\ssrc=)", text)

    @every("name", PAGES)
    def test_loads_nothing_from_elsewhere(self, name: str) -> None:
        assert not re.search(r"(?:src|href|action)\s*=\s*[\"'](?:https?:)?//", source(name))

    @every("name", PAGES)
    def test_escapes_everything(self, name: str) -> None:
        assert not re.search(r"\|\s*safe\b|autoescape\s+off|\|\s*safeseq", source(name))

    @every("name", PAGES)
    def test_forms_that_post_carry_a_token(self, name: str) -> None:
        forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", source(name), re.DOTALL)
        assert all("csrf_token" in form for form in forms)


@every("name", [name for name in TEMPLATES if name.startswith("generic/")])
def test_generic_template_opens_with_its_contract(name: str) -> None:
    assert re.search(
        r"(\{% comment %\}|\{#)[^{]*Blocks:", "\n".join(source(name).splitlines()[:8]), re.DOTALL
    )


# --- Icons ---
def names_in_templates() -> set[str]:
    return {
        name for one in TEMPLATES for name in re.findall(r"(?:\{% icon |icon=)\"([a-z0-9-]+)\"", source(one))
    }


def names_in_code() -> set[str]:
    """What is given as `icon=`, or fourth to an Action, a PageAction or an Entry."""
    found: set[str] = set()
    for module in modules(*PRODUCT):
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call):
                continue
            given = [keyword.value for keyword in node.keywords if keyword.arg == "icon"]
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in {"Action", "PageAction", "Entry"}:
                given += node.args[3:4]
            if called == "icon":
                given += node.args[:1]
            found |= {item.value for item in given if isinstance(item, ast.Constant) and item.value}
    return found


@every("name", sorted(names_in_templates() | names_in_code()))
def test_icon_exists(name: str) -> None:
    assert html.icon(name).startswith("<svg")


def test_icons_are_found_where_they_are_named() -> None:
    assert {"menu", "chevron-right", "search-x"} <= names_in_templates()
    assert {"layout-dashboard", "copy"} <= names_in_code()


def test_registered_parts_have_icons_that_exist() -> None:
    parts = [*office.registry.kinds.values(), *office.registry.waiting.values()]
    for part in parts:
        assert html.icon(part.icon)


def test_cards_have_templates() -> None:
    for card in office.registry.cards.values():
        get_template(card.template)


# --- The page that is shown when all else fails ---
def test_the_error_page_needs_nothing() -> None:
    template = engines["django"].engine.get_template("500.html")  # type: ignore[attr-defined]
    assert isinstance(template, Template)
    assert "Something went wrong here" in render_to_string("500.html")


def test_text_for_people_is_translatable() -> None:
    """Words between tags stand in {% trans %} or {% blocktrans %}; what is left are names and signs."""
    loose = {
        (name, words)
        for name in TEMPLATES
        for node in get_template(name).template.nodelist.get_nodes_by_type(Node)  # type: ignore[attr-defined]
        if type(node).__name__ == "TextNode"
        for words in re.findall(r">\s*([A-Z][a-z]+(?: [a-z]+)+[^<>{}]*)\s*<", f">{node.s}<")
    }
    assert not loose


def test_static_files_named_in_templates_exist() -> None:
    from django.contrib.staticfiles import finders

    named = {path for name in TEMPLATES for path in re.findall(r"\{% static \"([^\"]+)\" %\}", source(name))}
    assert named
    assert [path for path in sorted(named) if finders.find(path) is None] == []


def test_own_scripts_need_no_eval() -> None:
    for path in (ROOT / "static" / "js").glob("*.js"):
        text = Path(path).read_text()
        assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", text), (
            path.name
        )
