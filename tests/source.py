"""Reads the source as text and as syntax trees. Holds no rule: those are the tests that use it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("backoffice", "payments", "codes")
OURS = (*PRODUCT, "sandbox")


@dataclass(frozen=True)
class Module:
    """One Python file. `name` is what an import calls it, `path` stands below the root."""

    name: str
    path: str

    @property
    def file(self) -> Path:
        return ROOT / self.path

    @functools.cached_property
    def text(self) -> str:
        return self.file.read_text()

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def is_package(self) -> bool:
        return self.file.name == "__init__.py"


@dataclass(frozen=True)
class Import:
    """`importer` names `target` in this line: a module of ours where that is one, else what was written."""

    importer: str
    target: str
    place: str


@functools.cache
def module_at(path: str) -> Module:
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return Module(".".join(parts), path)


@functools.cache
def modules(*folders: str, migrations: bool = False) -> tuple[Module, ...]:
    """Every Python file of the folders, without migrations unless asked for."""
    paths = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    names = (path.relative_to(ROOT).as_posix() for path in paths)
    return tuple(module_at(name) for name in names if migrations or "/migrations/" not in name)


@functools.cache
def names() -> frozenset[str]:
    """What can be imported of ours: modules and packages."""
    return frozenset(module.name for module in modules(*OURS, migrations=True))


def below(name: str, *roofs: str) -> bool:
    """Whether a module is one of these or inside one of them."""
    return any(name == roof or name.startswith(f"{roof}.") for roof in roofs)


@functools.cache
def imports(module: Module) -> tuple[Import, ...]:
    """Every import of a file: at the top, in functions, for types, and by a name given to import_module."""
    return tuple(_imports(module))


def _imports(module: Module) -> Iterator[Import]:
    for node in ast.walk(module.tree):
        place = f"{module.path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module.name, alias.name, place)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield Import(module.name, inner if inner in names() or _is_foreign(base) else base, place)
        elif isinstance(node, ast.Call) and called(node) in {"import_module", "__import__", "import_string"}:
            yield from (
                Import(module.name, str(given.value), place)
                for given in node.args[:1]
                if isinstance(given, ast.Constant)
            )


def _is_foreign(base: str) -> bool:
    return not below(base, *OURS)


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*parts, node.module] if node.module else parts)


def called(node: ast.Call) -> str:
    """The last name of what is called: `save` for `user.save()`."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


@dataclass(frozen=True)
class Found:
    """Where a rule saw something: the file, the function around it ("" at the top), and the line."""

    path: str
    function: str
    line: int
    what: str

    @property
    def key(self) -> tuple[str, str]:
        return self.path, self.function


def find(module: Module, matches: Callable[[ast.AST], str]) -> Iterator[Found]:
    """What `matches` names in a file, with the function that it stands in. An empty name is no find."""

    def walk(node: ast.AST, inside: str) -> Iterator[Found]:
        for child in ast.iter_child_nodes(node):
            if what := matches(child):
                yield Found(module.path, inside, child.lineno, what)  # type: ignore[attr-defined]
            named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            yield from walk(child, f"{inside}.{child.name}".lstrip(".") if named else inside)

    yield from walk(module.tree, "")


def check_declared(found: list[Found], declared: dict[tuple[str, str], str]) -> None:
    """Fail for what was found and is not declared, and for what is declared and is not there any more."""
    new = [f"{one.path}:{one.line} {one.function}: {one.what}" for one in found if one.key not in declared]
    stale = set(declared) - {one.key for one in found}
    new += [f"no longer so, take it off the list: {path} {where}" for path, where in sorted(stale)]
    assert not new, "\n".join(new)
