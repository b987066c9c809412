"""Check feature expressions, which are a small arithmetic language, and translate them for OTB.

An expression consists of names such as ``B02``, ``clear.B02``, ``clear2.B02``, ``dem`` and ``slope``, numbers,
``+ - * / **``, comparisons, ``A if CONDITION else B`` and the functions of FUNCTIONS. It is checked whole before
anything runs. It is read with Python's own grammar, but Python never evaluates it: FormulaEvaluation gets it in
BandMath's language, which is muParser's.
"""

import ast
import sys
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.band_names import any_clear_date
from alcd_otb.text import did_you_mean

FUNCTIONS = {"sqrt": 1, "exp": 1, "log": 1, "abs": 1, "min": 2, "max": 2}
"""The functions that an expression may use, with the number of their arguments. ``log`` is the natural logarithm."""

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "^",
    ast.UAdd: "+",
    ast.USub: "-",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
# BandMath has a log, too, but its base depends on muParser's version.
_MUPARSER_NAMES = {"log": "ln"}
# Most levels of nested operations. A sum of n terms has n levels. Python and FormulaEvaluation allow far more.
_DEEPEST = 100
_TOO_DEEP = "is nested too deeply; make several features of it"
# Most characters of an expression that a message quotes.
_LONGEST_QUOTE = 200


class _RefusedError(Exception):
    """An expression is not allowed. The message has the reason, but does not quote the expression."""


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Attributes
    ----------
    text
        The expression as it is written in a template.
    names
        The bands and terrain layers that it uses, in order of first appearance.
    """

    text: str
    names: tuple[str, ...]

    def to_muparser(self, variable_of: Callable[[str], str]) -> str:
        """Translate the expression into muParser's language, fully parenthesised.

        Parameters
        ----------
        variable_of
            Returns the variable of muParser for each of the names.
        """
        return _translate(ast.parse(self.text, mode="eval").body, variable_of)


def parse_expression(text: str, known: Collection[str] | None = None) -> Expression:
    """Check an expression against the names that it may use.

    Parameters
    ----------
    text
        The expression.
    known
        The names that it may use; of clear dates, those of the first. With None, any name is allowed.

    Raises
    ------
    ConfigurationError
        The syntax is wrong, a name or a function is unknown, or a function has a wrong number of arguments. The
        message quotes the text, and gives the most similar known name.
    """
    quoted = _quoted(text)
    try:
        with warnings.catch_warnings():
            # Python only warns of some mistakes, such as 1if.
            warnings.simplefilter("error")
            body = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise ConfigurationError(f"expression {quoted}: is not written correctly ({error})") from error
    except (RecursionError, MemoryError) as error:
        # Python's own limit, which depends on the depth of the call stack.
        raise ConfigurationError(f"expression {quoted}: {_TOO_DEEP}") from error
    names: dict[str, None] = {}
    try:
        _check(body, known, names, _DEEPEST)
    except (_RefusedError, RecursionError) as error:
        raise ConfigurationError(f"expression {quoted}: {error}") from error
    if not names:
        remedy = f"; write at least one of {', '.join(sorted(known))}" if known is not None else ""
        raise ConfigurationError(f"expression {quoted}: names no band{remedy}")
    return Expression(text, tuple(names))


def _check(node: ast.expr, known: Collection[str] | None, names: dict[str, None], depth: int) -> None:
    """Check a node and all below it, and add the names that they use to `names`."""
    if not depth:
        raise _RefusedError(_TOO_DEEP)
    name = _name_of(node)
    if name is not None:
        if known is not None and any_clear_date(name) not in known:
            raise _RefusedError(f"{name!r} is not known{did_you_mean(name, known)}")
        names[name] = None
        return
    if isinstance(node, ast.Constant):
        _check_number(node.value)
        return
    if isinstance(node, ast.Call):
        _check_call(node)
    elif not _is_arithmetic(node):
        raise _RefusedError(f"{_quoted(ast.unparse(node))} is not allowed; use + - * / ** and functions")
    for child in _operands(node):
        _check(child, known, names, depth - 1)


def _check_number(value: object) -> None:
    if type(value) not in (int, float):
        raise _RefusedError(f"{value!r} is not a number")
    if not abs(value) <= sys.float_info.max:  # type: ignore[arg-type]
        raise _RefusedError("a number in it is too large")


def _check_call(node: ast.Call) -> None:
    function = node.func.id if isinstance(node.func, ast.Name) else ""
    if function not in FUNCTIONS:
        written = _quoted(ast.unparse(node.func))
        raise _RefusedError(f"function {written} is not known; there are {', '.join(FUNCTIONS)}")
    if node.keywords or len(node.args) != FUNCTIONS[function]:
        raise _RefusedError(f"{function} takes {FUNCTIONS[function]} argument(s)")


def _is_arithmetic(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp | ast.UnaryOp):
        return type(node.op) in _OPERATORS
    if isinstance(node, ast.Compare):
        return len(node.ops) == 1 and type(node.ops[0]) in _OPERATORS
    return isinstance(node, ast.IfExp)


def _operands(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.IfExp):
        return [node.test, node.body, node.orelse]
    if isinstance(node, ast.Call):
        return node.args
    raise TypeError(f"{type(node).__name__} has no operands")


def _translate(node: ast.expr, variable_of: Callable[[str], str]) -> str:
    name = _name_of(node)
    if name is not None:
        return variable_of(name)
    if isinstance(node, ast.Constant):
        return repr(float(node.value))  # type: ignore[arg-type]
    operands = [_translate(child, variable_of) for child in _operands(node)]
    if isinstance(node, ast.BinOp):
        return f"({operands[0]}{_OPERATORS[type(node.op)]}{operands[1]})"
    if isinstance(node, ast.UnaryOp):
        return f"({_OPERATORS[type(node.op)]}{operands[0]})"
    if isinstance(node, ast.Compare):
        return f"({operands[0]}{_OPERATORS[type(node.ops[0])]}{operands[1]})"
    if isinstance(node, ast.IfExp):
        return f"({operands[0]}?{operands[1]}:{operands[2]})"
    function = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    return f"{_MUPARSER_NAMES.get(function, function)}({','.join(operands)})"


def _name_of(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return None


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "...")
