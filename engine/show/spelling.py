"""Spelling: what a scene file calls and reads is looked up before the show, by reading the file, not by waiting for a frame.

Hooks and their parameters, verbs and the inputs of their shaders, fields of what a hook is given (`now.tiem`), keywords of
what `engine` offers (`Grain(gian=1)`), and the scene's own names (`self.tral`). A name that cannot be followed (a local of
unknown origin, something out of a list) is left alone: rehearsal and Python have the last word there.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import inspect
import symtable
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from engine.core.errors import nearest
from engine.stage.header import ShaderError
from engine.stage.layer import Layer, header, verbs

Mistake = tuple[int, str]  # line, what is wrong there and what was meant
OURS = "engine."


def mistakes(tree: ast.Module, names: Mapping[str, Any], base: type, hooks: tuple[str, ...], scene: Any = None) -> Iterator[Mistake]:
    """What is misspelt in a scene file, in the order of its lines.

    names: what the file's own names mean, once it was executed (or as far as it was); `base` is Scene; `scene` is the
    instance, None where the file could not be executed.
    """
    reader = Reader(tree, names, base, scene)
    found = [*_imports(tree), *reader.file()]
    if scene is not None:
        found += [*_unknown(tree, names), *_hooks(type(scene), base, hooks)]
        found += reader.unread()
    yield from sorted(found)


def _unknown(tree: ast.Module, names: Mapping[str, Any]) -> Iterator[Mistake]:
    """Names that stand for nothing: Python would notice in the middle of the show."""
    tables = [symtable.symtable(ast.unparse(tree), "scene", "exec")]
    free: set[str] = set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        free |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and s.is_global() and not s.is_assigned()}
    known = {*names, *vars(builtins)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in free - known:
            yield node.lineno, unknown(node.id, tree, names)


def unknown(name: str, tree: ast.Module, names: Mapping[str, Any]) -> str:
    """What was meant by a name that stands for nothing."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    given = [target for each in classes for line in each.body if isinstance(line, ast.Assign) for target in line.targets]
    if name in {target.id for target in given if isinstance(target, ast.Name)}:
        return f"{name} is the scene's own: write self.{name}"
    if name in engine_names():
        return f"{name} is not imported: from engine import {name}"
    if name in verbs():
        return f"{name} is a verb: dreamed.{name}()"
    return f"nothing is called {name}; {nearest(name, {*_nameable(names), *engine_names()})}"


def _imports(tree: ast.Module) -> Iterator[Mistake]:
    """What is asked of engine and is not there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "engine":
            for alias in node.names:
                if alias.name not in (*engine_names(), "*"):
                    yield alias.lineno, f"engine has no {alias.name}; {nearest(alias.name, engine_names())}"


def engine_names() -> list[str]:
    """What `from engine import ...` offers."""
    import engine

    return engine.__all__


def _nameable(names: Mapping[str, Any]) -> Iterator[str]:
    return (name for name in names if not name.startswith("_"))


def _hooks(kind: type, base: type, hooks: tuple[str, ...]) -> Iterator[Mistake]:
    """A misspelt hook would silently never be called; one with other parameters would be given something else."""
    for name, value in vars(kind).items():
        if not inspect.isfunction(value) or name.startswith("_"):
            continue
        found = [*inspect.signature(value).parameters][1:]
        if name in hooks:
            wanted = [*inspect.signature(getattr(base, name)).parameters][1:]
            yield from _parameters(name, found, wanted, value.__code__.co_firstlineno)
        elif not hasattr(base, name) and (near := difflib.get_close_matches(name, hooks, n=1, cutoff=0.75)):
            wanted = [*inspect.signature(getattr(base, near[0])).parameters][1:]
            if len(found) == len(wanted) and all(difflib.get_close_matches(f, [w], cutoff=0.6) for f, w in zip(found, wanted, strict=True)):
                yield value.__code__.co_firstlineno, f"{name}() is no hook; did you mean {near[0]}()?"


def _parameters(hook: str, found: list[str], wanted: list[str], line: int) -> Iterator[Mistake]:
    """A parameter that is not used may be called `_` or begin with it."""
    whole = f"{hook}({', '.join(['self', *wanted])})"
    if len(found) != len(wanted):
        yield line, f"the hook is {whole}, found {hook}({', '.join(['self', *found])})"
        return
    for one, other in zip(found, wanted, strict=True):
        if one != other and not one.startswith("_"):
            yield line, f"a parameter of the hook {whole} is called {one}; did you mean {other}?"


class Reader:
    """Follows names through a file as far as they can be followed without running it."""

    def __init__(self, tree: ast.Module, names: Mapping[str, Any], base: type, scene: Any):
        self.tree, self.names, self.base, self.scene = tree, names, base, scene
        self.kind = type(scene) if scene is not None else None
        selves = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "self"]
        self.stored = {n.attr: n.lineno for n in selves if isinstance(n.ctx, ast.Store)}
        self.loaded = {n.attr for n in selves if not isinstance(n.ctx, ast.Store)}
        self.locals: dict[str, Any] = {}  # of the function that is being read: name -> its type, None where that is unknown

    def file(self) -> Iterator[Mistake]:
        """Every call and attribute of the file. Functions in functions are read with the names of the outer one."""
        yield from self._block(self.tree, {})

    def unread(self) -> Iterator[Mistake]:
        """Numbers that somebody could turn and nobody would see: set, or declared, under a name that is nearly another's."""
        params = self.kind.params() if self.kind else {}  # type: ignore[attr-defined]
        for name, line in self.stored.items():
            if name not in params and name not in self.loaded and (near := difflib.get_close_matches(name, params, n=1, cutoff=0.7)):
                yield line, f"self.{name} is set and never read; did you mean {near[0]}?"
        theirs = self.base.params()  # type: ignore[attr-defined]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name in params and name not in theirs and name not in self.loaded:
                    for near in difflib.get_close_matches(name, theirs, n=1, cutoff=0.7):
                        yield node.lineno, f"{name} is a Param that nothing reads; did you mean {near}?"

    def _block(self, node: ast.AST, outer: dict[str, Any]) -> Iterator[Mistake]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                before, self.locals = self.locals, outer | self._arguments(child, isinstance(node, ast.ClassDef))
                yield from self._block(child, self.locals)
                self.locals = before
                continue
            yield from self._block(child, outer)
            if isinstance(child, ast.Call):
                yield from self._call(child)
            elif isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Load):
                yield from self._attribute(child)

    def _arguments(self, function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, method: bool) -> dict[str, Any]:
        """Names that are the function's own: a hook's parameters have a known type, annotated ones too, the rest none."""
        known: dict[str, Any] = {}
        arguments = function.args
        for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            known[one.arg] = self._object(one.annotation) if one.annotation else None
        for inside in ast.walk(function):
            if isinstance(inside, ast.Name) and isinstance(inside.ctx, ast.Store):
                known.setdefault(inside.id, None)
        if method and self.kind and not isinstance(function, ast.Lambda) and hasattr(self.base, function.name):
            known |= {n: t for n, t in typing.get_type_hints(getattr(self.base, function.name)).items() if n in known}
        if method and self.kind and arguments.args:
            known[arguments.args[0].arg] = self.kind
        once = [n for n in ast.walk(function) if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)]
        before, self.locals = self.locals, self.locals | known
        for each in once:
            if self._type(each.value) is Layer:
                known[each.targets[0].id] = self.locals[each.targets[0].id] = Layer  # type: ignore[attr-defined]
        self.locals = before
        return known

    # what a piece of the file is

    def _object(self, node: ast.AST | None) -> Any:
        """The very thing that an expression names: a class, a function, a module; None where that is unknown."""
        if isinstance(node, ast.Name) and node.id not in self.locals:
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            owner, kind = self._object(node.value), self._type(node.value)
            if isinstance(owner, types.ModuleType | type) or kind:
                return inspect.getattr_static(owner if kind is None else kind, node.attr, None)
        return None

    def _type(self, node: ast.AST) -> Any:
        """The class of what an expression gives; None where that is unknown."""
        if isinstance(node, ast.Name):
            if node.id in self.locals:
                return self.locals[node.id]
            found = self.names.get(node.id)
            return Layer if isinstance(found, Layer) else None
        if isinstance(node, ast.Call):
            made = self._object(node.func)
            if isinstance(node.func, ast.Attribute) and self._type(node.func.value) is Layer:
                return Layer
            return made if is_dataclass(made) else None
        if isinstance(node, ast.Attribute):
            owner = self._type(node.value)
            if owner is not None and owner is self.kind and node.attr in vars(self.scene) and not node.attr.startswith("_"):
                return _ours(type(vars(self.scene)[node.attr]))
            if is_dataclass(owner):
                return _ours(typing.get_type_hints(owner).get(node.attr))
        return None

    # what can be wrong with it

    def _attribute(self, node: ast.Attribute) -> Iterator[Mistake]:
        owner, kind = self._object(node.value), self._type(node.value)
        if isinstance(owner, types.ModuleType) and owner.__name__.startswith(OURS) and not hasattr(owner, node.attr):
            yield node.lineno, f"{owner.__name__.rsplit('.', 1)[-1]} has no {node.attr}; {nearest(node.attr, _public(owner))}"
        if kind is None or kind is Layer or hasattr(kind, "__getattr__"):
            return
        if kind is self.kind:
            known = {*dir(self.scene), *self.stored}
        elif is_dataclass(kind):
            known = {*dir(kind), *kind.__dataclass_fields__}
        else:
            known = {*dir(vars(self.scene)[node.value.attr])}  # type: ignore[attr-defined]  # `self.murmur`: it is there
        if node.attr not in known:
            what = "the scene" if kind is self.kind else kind.__name__
            yield node.lineno, f"{what} has no {node.attr}; {nearest(node.attr, (n for n in known if not n.startswith('_')))}"

    def _call(self, node: ast.Call) -> Iterator[Mistake]:
        if isinstance(node.func, ast.Attribute) and self._type(node.func.value) is Layer:
            yield from _verb(node.func.attr, node)
            return
        if self._type(node.func) is Layer:
            yield node.lineno, f"{ast.unparse(node.func)} is a picture, not a function: leave the () out"
            return
        called = self._object(node.func)
        inside = getattr(called, "__module__", None) or ""
        if not callable(called) or not (inside.startswith(OURS) or inside == self.names.get("__name__")):
            return
        known = _keywords(called)
        for keyword in node.keywords if known is not None else ():
            if keyword.arg and keyword.arg not in (known or ()):
                yield keyword.value.lineno, f"{called.__name__}() takes no {keyword.arg}; {nearest(keyword.arg, known or ())}"


def _verb(verb: str, node: ast.Call) -> Iterator[Mistake]:
    """A shader by its name, its inputs by theirs, and numbers that are written down by their type."""
    if verb in dir(Layer):
        return
    try:
        declared = header(verb)
    except (AttributeError, ShaderError) as wrong:
        yield node.lineno, str(wrong)
        return
    for keyword in node.keywords:
        if keyword.arg is None:
            continue
        try:
            wanted = declared.input(keyword.arg)
            wanted.accept(ast.literal_eval(keyword.value))
        except TypeError as wrong:
            yield keyword.value.lineno, str(wrong)
        except ValueError:  # not written down: known when it is drawn
            pass


def _keywords(called: Any) -> list[str] | None:
    """What can be given to a callable by name; None where anything can. `**changes` of what makes a dataclass are its fields."""
    try:
        parameters = inspect.signature(called).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        made = typing.get_type_hints(called).get("return") if inspect.isfunction(called) else None
        return [f.name for f in fields(made)] if is_dataclass(made) else None
    return [p.name for p in parameters if p.name != "self" and p.kind is not p.POSITIONAL_ONLY]


def _ours(kind: Any) -> Any:
    """A class of this engine, else None: others may have attributes that cannot be seen."""
    return kind if isinstance(kind, type) and kind.__module__.startswith(OURS) else None


def _public(module: types.ModuleType) -> list[str]:
    return [name for name in vars(module) if not name.startswith("_")]
