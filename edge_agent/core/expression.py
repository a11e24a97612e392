"""Safe arithmetic for derived channels, such as `torque_nm * speed_rpm * 0.10472`; and conditions, `speed_rpm > 10`.

Only numbers, channel names, + - * / **, parentheses, and min, max, abs, sqrt; in a condition also < <= > >=, and, or.
Parsed by `ast`, never run as Python.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

Expression = Callable[[Mapping[str, float]], float]
Condition = Callable[[Mapping[str, float]], bool | None]

MAX_LENGTH: Final = 500
_BINARY: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_CALLS: Final[dict[str, Callable[..., float]]] = {"min": min, "max": max, "abs": abs, "sqrt": math.sqrt}
_COMPARED: Final[dict[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_UNARY: Final = frozenset({"abs", "sqrt"})  # take one argument, the other calls two or more


def names_in(source: str) -> set[str]:
    """The channel names an expression uses.

    Raises:
        ValueError: the text is no expression at all.
    """
    return {node.id for node in ast.walk(_parse(source)) if isinstance(node, ast.Name)} - set(_CALLS)


def compile_expression(source: str) -> Expression:
    """A function from channel values to the derived value; NaN where a value is missing or the arithmetic fails.

    Raises:
        ValueError: the text is no expression of the allowed kind; says which part.
    """
    names = names_in(source)
    try:
        body = _build(_parse(source).body)
    except (RecursionError, OverflowError) as error:
        message = f"{source!r} nests too deeply or holds a number too large"
        raise ValueError(message) from error

    def evaluate(values: Mapping[str, float]) -> float:
        if any(math.isnan(values.get(name, math.nan)) for name in names):
            return math.nan  # said first: min, max and ** may swallow a NaN
        try:
            result = body(values)
        except (ArithmeticError, ValueError):
            return math.nan
        return result if math.isfinite(result) else math.nan

    return evaluate


def compile_condition(source: str) -> Condition:
    """A function from channel values to whether the condition holds; None where a value is missing or not computable.

    Raises:
        ValueError: the text is no condition of the allowed kind; says which part.
    """
    try:
        return _build_condition(_parse(source).body)
    except (RecursionError, OverflowError) as error:
        message = f"{source!r} nests too deeply or holds a number too large"
        raise ValueError(message) from error


def _build_condition(node: ast.expr) -> Condition:
    if isinstance(node, ast.BoolOp):
        parts = [_build_condition(value) for value in node.values]
        deciding = isinstance(node.op, ast.Or)  # one that holds decides an `or`, one that does not an `and`

        def joined(values: Mapping[str, float]) -> bool | None:
            found = [part(values) for part in parts]
            if deciding in found:
                return deciding
            return None if None in found else not deciding

        return joined
    if isinstance(node, ast.Compare) and all(type(op) in _COMPARED for op in node.ops):
        sides = [compile_expression(ast.unparse(side)) for side in (node.left, *node.comparators)]
        holds = [_COMPARED[type(op)] for op in node.ops]

        def compared(values: Mapping[str, float]) -> bool | None:
            found = [side(values) for side in sides]
            if any(math.isnan(value) for value in found):
                return None
            return all(hold(a, b) for hold, (a, b) in zip(holds, pairwise(found), strict=True))

        return compared
    message = f"{ast.unparse(node)!r} is no condition (two sides and < <= > >= between them, joined by and, or)"
    raise ValueError(message)


def _parse(source: str) -> ast.Expression:
    if len(source) > MAX_LENGTH:
        message = f"an expression of {len(source)} characters; at most {MAX_LENGTH} are allowed"
        raise ValueError(message)
    try:
        return ast.parse(source.strip(), mode="eval")
    except (SyntaxError, RecursionError, MemoryError) as error:
        message = f"{source!r} is no arithmetic expression"
        raise ValueError(message) from error


def _build(node: ast.expr) -> Expression:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        constant = float(node.value)
        return lambda _values: constant
    if isinstance(node, ast.Name) and node.id not in _CALLS:
        name = node.id
        return lambda values: values[name]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _build(node.operand)
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return lambda values: sign * inner(values)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        combine, left, right = _BINARY[type(node.op)], _build(node.left), _build(node.right)
        return lambda values: combine(left(values), right(values))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS and not node.keywords:
        call, arguments = _CALLS[node.func.id], [_build(argument) for argument in node.args]
        if (len(arguments) == 1) == (node.func.id in _UNARY) and arguments:
            return lambda values: call(*(argument(values) for argument in arguments))
    message = f"{ast.unparse(node)!r} is not allowed in an expression (numbers, channels, + - * / **, min max abs sqrt)"
    raise ValueError(message)
