"""The arithmetic of ISF size expressions ("$WIDTH / 2", "max($HEIGHT, 128)"), and nothing else that Python can do."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping

FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs, "ceil": math.ceil, "cos": math.cos, "floor": math.floor, "log": math.log, "log2": math.log2,
    "max": max, "min": min, "pow": pow, "round": round, "sin": math.sin, "sqrt": math.sqrt,
}  # fmt: skip
BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Mod: operator.mod, ast.Pow: operator.pow, ast.FloorDiv: operator.floordiv,
}  # fmt: skip
LARGEST_POWER = 64  # 9 ** 9 ** 9 would hold the wall for minutes


class ExpressionError(ValueError):
    """The expression is not plain arithmetic; the message says which part."""


def evaluate(expression: str | float, names: Mapping[str, float]) -> float:
    """The value of an ISF expression in which `$NAME` stands for one of `names`.

    Raises ExpressionError for anything but numbers, names, + - * / // % **, and the functions in FUNCTIONS.
    """
    if isinstance(expression, int | float):
        return float(expression)
    text = re.sub(r"\$(\w+)", r"v_\1", expression.strip())
    try:
        return float(_value(ast.parse(text, mode="eval").body, names))
    except (SyntaxError, ArithmeticError, TypeError, ValueError) as error:
        reason = str(error) if isinstance(error, ExpressionError) else f"{type(error).__name__}: {error}"
        raise ExpressionError(f"the size {expression!r} cannot be worked out ({reason})") from None


def _value(node: ast.expr, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if name.removeprefix("v_") in names:
            return names[name.removeprefix("v_")]
        case ast.Name(id=name):
            raise ExpressionError(f"no ${name.removeprefix('v_')}; there are ${', $'.join(sorted(names))}")
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            a, b = _value(left, names), _value(right, names)
            if isinstance(op, ast.Pow) and abs(b) > LARGEST_POWER:
                raise ExpressionError(f"a power of {b:g} is too large")
            return BINARY[type(op)](a, b)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, names)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_value(arg, names) for arg in args))
    raise ExpressionError(f"{ast.unparse(node).replace('v_', '$')!r} is no arithmetic")
