"""The arithmetic of ISF size expressions ("$WIDTH / 2", "max($HEIGHT, 128)"), and nothing else that Python can do.

Hosts read them with exprtk or math.js: names and functions in any capitals, `^` a power, `a ? b : c`, comparisons.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
from collections.abc import Callable, Mapping

FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs, "ceil": math.ceil, "cos": math.cos, "exp": math.exp, "floor": math.floor, "log": math.log, "log2": math.log2,
    "max": max, "min": min, "pow": lambda a, b: _power(a, b), "round": round, "sin": math.sin, "sqrt": math.sqrt,
    "tan": math.tan, "trunc": math.trunc, "clamp": lambda low, x, high: min(max(x, low), high),
    "if": lambda test, a, b: a if test else b,
}  # fmt: skip
BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Mod: operator.mod, ast.Pow: lambda a, b: _power(a, b), ast.FloorDiv: operator.floordiv,
}  # fmt: skip
COMPARED: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
LARGEST_POWER = 64  # 9 ** 9 ** 9 would hold the wall for minutes
LONGEST = 1000  # letters


class ExpressionError(ValueError):
    """The expression is not plain arithmetic; the message says which part."""


def evaluate(expression: str | float, names: Mapping[str, float]) -> float:
    """The value of an ISF expression in which `$NAME` stands for one of `names`.

    Raises ExpressionError for anything but numbers, names, + - * / // % ^ **, comparisons, a ? b : c, and FUNCTIONS.
    """
    if isinstance(expression, int | float):
        return float(expression)
    try:
        found = float(_value(_parsed(expression), names))
        if not math.isfinite(found):
            raise ExpressionError("it has no end")
        return found
    except (SyntaxError, ArithmeticError, TypeError, ValueError, RecursionError, MemoryError) as error:
        reason = str(error) if isinstance(error, ExpressionError) else f"{type(error).__name__}: {error}"
        raise ExpressionError(f"the size {expression[:80]!r} cannot be worked out ({reason})") from None


@functools.lru_cache(maxsize=256)  # each pass of each frame asks again
def _parsed(expression: str) -> ast.expr:
    text = re.sub(r"\$(\w+)", r"v_\1", expression.strip().rstrip(";")).replace("^", "**")
    text = re.sub(r"^(.*?)\?(.*):(.*)$", r"((\2) if (\1) else (\3))", text, flags=re.DOTALL)
    text = re.sub(r"\bif\s*\(([^()]*,)", r"v_if(\1", text)
    return ast.parse(text[:LONGEST], mode="eval").body


def _power(a: float, b: float) -> float:
    if abs(b) > LARGEST_POWER:
        raise ExpressionError(f"a power of {b:g} is too large")
    return math.pow(a, b)


def _value(node: ast.expr, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name):
            return _named(name.removeprefix("v_"), names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            return BINARY[type(op)](_value(left, names), _value(right, names))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARED:
            return float(COMPARED[type(op)](_value(left, names), _value(right, names)))
        case ast.IfExp(test=test, body=body, orelse=other):
            return _value(body if _value(test, names) else other, names)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, names)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name.removeprefix("v_").lower() in FUNCTIONS:
            return FUNCTIONS[name.removeprefix("v_").lower()](*(_value(arg, names) for arg in args))
    raise ExpressionError(f"{ast.unparse(node).replace('v_', '$')!r} is no arithmetic")


def _named(name: str, names: Mapping[str, float]) -> float:
    if name in names:
        return names[name]
    for known, value in names.items():
        if known.lower() == name.lower():
            return value
    raise ExpressionError(f"no ${name}; there are ${', $'.join(sorted(names))}")
