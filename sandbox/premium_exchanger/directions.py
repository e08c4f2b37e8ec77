"""get_direction_currencies, get_directions, get_direction and get_calc of the simulated exchanger.
Holds no bids; the sums come from the calculator."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from sandbox.premium_exchanger import calculator, errors
from sandbox.premium_exchanger.calls import Context
from sandbox.premium_exchanger.catalog import Currency, Direction
from sandbox.premium_exchanger.errors import Refusal

SIDES = {"give": "give_fields", "get": "get_fields", "dir": "dir_fields"}


def _offered(context: Context) -> list[Direction]:
    """Directions of the currencies that are asked for."""
    give, get = context.whole("currency_id_give"), context.whole("currency_id_get")
    return [
        one
        for one in context.directions()
        if (give < 1 or one.give.id == str(give)) and (get < 1 or one.get.id == str(get))
    ]


def _logo(context: Context, currency: Currency) -> str:
    return f"{context.provider.engine.url}/premium_exchanger/logos/{currency.id}.svg"


def currencies(context: Context) -> dict[str, Any]:
    """Method get_direction_currencies. Raises Refusal."""
    context.check_open()
    sides: dict[str, dict[str, Currency]] = {"give": {}, "get": {}}
    for one in _offered(context):
        sides["give"].setdefault(one.give.id, one.give)
        sides["get"].setdefault(one.get.id, one.get)
    return {
        side: [{"id": one.id, "title": one.title, "logo": _logo(context, one)} for one in found.values()]
        for side, found in sides.items()
    }


def listed(context: Context) -> list[dict[str, Any]]:
    """Method get_directions. Raises Refusal."""
    context.check_open()
    return [
        {
            "direction_id": one.id,
            "currency_give_id": one.give.id,
            "currency_give_title": one.give.title,
            "currency_give_logo": _logo(context, one.give),
            "currency_get_id": one.get.id,
            "currency_get_title": one.get.title,
            "currency_get_logo": _logo(context, one.get),
        }
        for one in _offered(context)
    ]


def one(context: Context) -> dict[str, Any]:
    """Method get_direction. Without a valid id it is the first that fits the rest. Raises Refusal."""
    context.check_open()
    wanted = context.whole("direction_id")
    found = [one for one in _offered(context) if wanted < 1 or one.id == str(wanted)]
    if not found:
        raise Refusal(errors.DIRECTION_NOT_FOUND)
    direction = found[0]
    sums = calculator.sums(direction, direction.limits["min_give"] or Decimal(1), calculator.GIVE)
    return {
        "id": direction.id,
        "url": f"{context.provider.engine.url}/premium_exchanger/exchange_{direction.id}/",
        **calculator.described(direction, sums),
        **{name: _fields(context, direction, side) for side, name in SIDES.items()},
        "info": {
            "timeline_text": direction.texts["timeline"],
            "frozen_text": direction.texts["frozen"],
            "before_button_text": direction.texts["before_button"],
        },
    }


def _fields(context: Context, direction: Direction, side: str) -> Any:
    """A form as the document describes it, by name or as a list; an empty one is a list in PHP."""
    shown = []
    for field in direction.fields:
        if field["side"] != side:
            continue
        line: dict[str, Any] = {
            "name": field["name"],
            "type": field.get("type", "text"),
            "label": field["label"],
            "req": field.get("req", 0),
            "tooltip": field.get("tooltip", ""),
            "cd": field.get("cd", 0),
        }
        for name in ("options", "text"):
            if name in field:
                line[name] = field[name]
        shown.append(line)
    if context.setting("fields_shape") == "list" or not shown:
        return shown
    return {line["name"]: line for line in shown}


def calculated(context: Context) -> dict[str, Any]:
    """Method get_calc. Raises Refusal."""
    context.check_open()
    direction = wanted(context)
    sums = calculator.sums(
        direction,
        context.amount("calc_amount"),
        context.whole("calc_action"),
        chosen=dict(parse_qsl(context.text("cd"))),
    )
    return {**calculator.described(direction, sums), "changed": int(sums.changed)}


def wanted(context: Context) -> Direction:
    """The direction of direction_id. Raises Refusal."""
    id = str(context.whole("direction_id"))
    for direction in context.directions():
        if direction.id == id:
            return direction
    raise Refusal(errors.DIRECTION_NOT_FOUND)


def chosen(direction: Direction, params: Mapping[str, str]) -> dict[str, str]:
    """The values of the fields that change the calculation."""
    return {
        str(field["name"]): params.get(str(field["name"]), "")
        for field in direction.fields
        if field.get("cd")
    }
