"""Many tiny cases in one test: the same table as for parametrize, without a test item and its fixtures for each.

For tests that need nothing fresh per case. A failure names its case.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any


def every(
    names: str | tuple[str, ...], values: Iterable[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Calls the test once per case, as pytest.mark.parametrize(names, values) would. May be stacked."""
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    cases = list(values)
    assert cases, "a test without cases"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(*arguments: Any, **fixtures: Any) -> None:
            for case in cases:
                row = (case,) if len(wanted) == 1 else tuple(case)
                told = dict(zip(wanted, row, strict=True))
                try:
                    test(*arguments, **fixtures, **told)
                except BaseException as error:
                    error.add_note(f"case: {told!r}")
                    raise

        shape = inspect.signature(test)
        left = [one for name, one in shape.parameters.items() if name not in wanted]
        assert len(left) == len(shape.parameters) - len(wanted), f"{test.__name__} does not take {wanted}"
        run.__signature__ = shape.replace(parameters=left)  # type: ignore[attr-defined]
        return run

    return decorate
