"""Follows what a file does before the snapshot, and what its functions do later.

The statements of the module and of its class bodies are followed in their order, with
the functions of the file that they call, one level deep.  Then each function is read
once for what it draws, binds and calls, from which follows what hooks repair.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from snapstart_hooks.lint._catalogue import DRAWS, same, what_breaks
from snapstart_hooks.lint._hooks import AFTER, BEFORE, Registration, declares, makes_anew
from snapstart_hooks.lint._rules import RULES, Kind
from snapstart_hooks.lint._values import NOTHING, Does, Frame, Origin, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from snapstart_hooks.lint._rules import Rule

__all__ = ("ENDS", "Module")

_DEPTH: Final = 1
"""The depth to which calls of the file's functions are followed; methods that `__init__` calls belong to it."""
ENDS: Final = frozenset(
    """close aclose closeall close_all close_pool close_old_connections dispose disconnect disconnect_all reconnect
    disconnect_connection_pools connect reset open drain check expire_connections terminate shutdown stop quit logout
    invalidate end flush force_flush join cancel kill wait communicate cleanup seed manual_seed set_state setstate start
    restart resume cache_clear clear""".split()  # noqa: SIM905 - shorter than a list
)
"""Methods that close, stop or reset: afterwards the snapshot may contain the object."""
_USED_UP: Final = frozenset(
    """print pprint echo debug info warning error exception critical log write writelines sleep exit _exit len type
    isinstance bool""".split()  # noqa: SIM905 - shorter than a list
)
"""Last names of calls that keep none of their arguments."""
_STORING: Final = ("append", "add", "insert", "extend", "update", "set", "put", "push", "register", "bind", "config")
"""First words in the names of methods that keep their arguments."""
_TRANSPARENT: Final = {"functools.cache", "functools.lru_cache", "functools.lru_cache()", "staticmethod", "classmethod"}
_PLAIN: Final = frozenset(("year", "tzinfo", "tm_isdst"))
"""Attributes of times that may be kept in a snapshot."""
_VARIABLES: Final = frozenset(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
_REQUIRED: Final = _VARIABLES | {"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_LOG_GROUP_NAME"}
_NOT_HERE: Final = frozenset(("TYPE_CHECKING", "__name__", "version_info", "platform"))
"""Names in a condition whose body does not run on Lambda."""
_MISSING: Final = frozenset(("ImportError", "ModuleNotFoundError"))
_SECRET: Final = (RULES["SSH101"], RULES["SSH102"], RULES["SSH104"])
_CLOCKS: Final = (RULES["SSH301"], RULES["SSH302"])

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Module:
    """The facts about a file that following its statements collects.

    Args:
        tree: The syntax tree of the file.
        find: Returns the file of a module by name and level; ``""`` if it is not one of the project.
        value: Returns the path of the value that a name of such a file holds.
    """

    def __init__(self, tree: ast.Module, find: Callable[[str, int], str], value: Callable[[str, str], str]) -> None:
        self.names: Final[dict[str, Value]] = {}  # what they hold when the snapshot is taken
        self.held: Final[list[tuple[Value, str]]] = []  # what is kept elsewhere, and where
        self.effects: Final[list[Origin]] = []  # what was done, kept or not
        self.registrations: Final[list[Registration]] = []
        self.functions: Final[dict[str, _Function]] = {}  # by their paths
        self.does: Final[dict[str, Does]] = {}  # what each of them does
        self.ran: Final[set[str]] = set()  # those that run before the snapshot
        self.read: Final[set[str]] = set()  # the names that the module itself reads
        self.imports: Final[list[tuple[ast.stmt, str, str]]] = []  # by value: the statement, the name, ``file:name``
        self.variables: Final[dict[ast.expr, str]] = {}  # where it reads what SnapStart functions do not have
        self.asked: Final[set[str]] = set()  # those of them that a condition asks for
        self.seeded: Final[set[str]] = set()  # the packages whose generators it gives a fixed seed
        self._find: Final = find
        self._value_of: Final = value
        self._foreign: Final[set[str]] = set()  # names of libraries
        self._bases: Final[dict[str, list[str]]] = {}  # of each own class
        self._decorators: Final[dict[str, set[str]]] = {}  # of each own function
        self._attributes: Final[dict[str, Value]] = {}  # of own classes and objects
        self._frames: Final[dict[str, Frame]] = {}  # in which each own function is defined
        top = self._top = Frame(self.names)
        self._body(tree.body, top)
        for hook in self.registrations:
            if hook.phase == BEFORE and not hook.within:
                self._enter(hook.target, hook.node, (), NOTHING, replace(top, hook=True))
        while waiting := [path for path in self.functions if path not in self.does]:
            for path in waiting:  # some define more
                self._read(path)

    def reached(self, start: Iterable[str]) -> set[str]:
        """Return these functions, and the functions of the file that they call."""
        seen, waiting = set[str](), [*start]
        while waiting:
            path = waiting.pop()
            if path not in seen:
                seen.add(path)
                waiting += self.does.get(path, Does()).calls
        return seen & self.does.keys()

    def hooks(self, phase: str) -> set[str]:
        """Return the functions that run in a phase: registered, or with the name that a provider gives them."""
        named = (path for path in self.functions if path.rpartition(".")[2] == phase)
        registered = (path for path in self.does if path.startswith(f"{phase} "))
        return self.reached((*named, *registered, *(one.target for one in self.registrations if one.phase == phase)))

    def touches(self, phase: str) -> dict[str, set[str]]:
        """Return what the hooks of a phase do to names, as in `Does.touches`."""
        together = Does()
        for path in self.hooks(phase):
            for name, how in self.does[path].touches.items():
                together.touches.setdefault(name, set()).update(how)
        return together.touches

    # Statements

    def _body(self, body: Iterable[ast.stmt], frame: Frame) -> None:
        for statement in body:
            self._statement(statement, frame)

    def _statement(self, node: ast.stmt, frame: Frame) -> None:  # noqa: C901, PLR0912 - one case for each kind
        match node:
            case ast.Import(names=names):
                for one in names:
                    self._import(node, one.name if one.asname else one.name.partition(".")[0], "", one, frame)
                    self._submodules("" if one.asname else one.name, frame)
            case ast.ImportFrom(names=names):
                for one in names:
                    self._import(node, node.module or "", one.name, one, frame)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, frame)
            case ast.ClassDef():
                self._class(node, frame)
            case ast.Assign(targets=targets, value=value):
                given = self._value(value, frame)
                for target in targets:
                    self._bind(target, given, frame)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._bind(target, self._value(value, frame), frame)
            case ast.AugAssign(target=target, value=value):
                self._bind(target, self._value(target, frame) | self._value(value, frame), frame)
            case ast.Expr(value=value):
                self._expression(value, frame)
            case ast.Return(value=ast.expr() as value):
                frame.returned |= self._value(value, frame)
            case ast.Delete(targets=targets):
                for target in targets:
                    frame.scope.pop(target.id if isinstance(target, ast.Name) else "", None)
            case ast.Global(names=names):
                frame.globals.update(names)
            case ast.With() | ast.AsyncWith():
                self._with(node, frame)
            case _:
                within, frame.branch = frame.branch, True
                if isinstance(node, ast.If):
                    self._if(node, frame)
                else:
                    self._compound(node, frame)
                frame.branch = within

    def _compound(self, node: ast.stmt, frame: Frame) -> None:
        """Follow any other statement: first its expressions, then the statements in it."""
        if isinstance(node, (ast.For, ast.AsyncFor)):
            self._bind(node.target, self._value(node.iter, frame), frame)
        for one in ast.iter_child_nodes(node):
            if isinstance(one, ast.stmt):
                self._statement(one, frame)
            elif isinstance(one, (ast.match_case, ast.ExceptHandler)):
                caught = _steps(one.type) if isinstance(one, ast.ExceptHandler) and one.type else []
                self._body(one.body if _MISSING.isdisjoint(caught) else (), frame)
            elif isinstance(one, ast.expr) and not isinstance(node, (ast.For, ast.AsyncFor)):
                self._value(one, frame)

    def _if(self, node: ast.If, frame: Frame) -> None:
        names = self._test(node.test, frame)
        if _NOT_HERE.isdisjoint(names):
            self._body(node.body, frame)
        equal = isinstance(node.test, ast.Compare) and isinstance(node.test.ops[0], ast.Eq)
        if not (equal and "AWS_LAMBDA_INITIALIZATION_TYPE" in names):  # it asks for SnapStart
            self._body(node.orelse, frame)

    def _test(self, test: ast.expr, frame: Frame) -> set[object]:
        """Follow a condition: its names and texts.  An environment variable that it checks is no finding."""
        found = set[object](getattr(part, field, None) for part in ast.walk(test) for field in ("id", "attr", "value"))
        self.asked.update(_REQUIRED & found)
        self._unkept((test,), frame)
        return found

    def _with(self, node: ast.With | ast.AsyncWith, frame: Frame) -> None:
        opened: set[Origin] = set()
        before = {origin for names in (self.names, frame.scope) for value in names.values() for origin in value.origins}
        for item in node.items:
            value = self._value(item.context_expr, frame)
            opened |= value.origins if isinstance(item.context_expr, ast.Name) else value.origins - before
            if item.optional_vars is not None:
                self._bind(item.optional_vars, value, frame)
        self._body(node.body, frame)
        for origin in opened:
            origin.ended = origin.ended or origin.rule is None or origin.rule.kind is Kind.RESOURCE

    def _import(self, node: ast.stmt, module: str, name: str, alias: ast.alias, frame: Frame) -> None:
        level = node.level if isinstance(node, ast.ImportFrom) else 0
        bound = alias.asname or name or module
        file = self._find(f"{module}.{name}".strip("."), level)
        if file:
            frame.scope[bound] = Value(f"@{file}")
        elif name and (file := self._find(module, level)):
            frame.scope[bound] = _elsewhere(file, name)
            if frame is self._top:
                self.imports.append((node, bound, f"{file}:{name}"))
        else:
            path = ""
            for step in f"{module}.{name}".strip(".").split(".") if not level else ():
                path = same(f"{path}.{step}".strip("."))
            frame.scope[bound] = Value(path)
        if frame.scope is self.names:
            self._foreign.add(bound)

    def _submodules(self, module: str, frame: Frame) -> None:
        """Bind ``b`` as an attribute of ``a`` for ``import a.b``."""
        path, *steps = module.split(".")
        for step in steps:
            owner, path = self._attributes.get(path, frame.scope.get(path, NOTHING)), f"{path}.{step}"
            file = self._find(path, 0)
            if file:
                self._attributes[path] = self._attributes[f"{owner.path}.{step}"] = Value(f"@{file}")

    # Definitions

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
        path = self._define(node, node.name, frame)
        decorators = {self._value(one, frame).path for one in node.decorator_list}
        self._decorators[path] = {one for one in decorators if declares(one) is None}
        for phase, aws in filter(None, map(declares, decorators)):
            self.registrations.append(Registration(node.name, phase, node, path, aws, frame.function))
        frame.scope[node.name] = Value(path)

    def _define(self, node: _Function, name: str, frame: Frame) -> str:
        """Record a function of the file; return its path."""
        path = f"{frame.prefix}{name}"
        self.functions[path], self._frames[path] = node, frame
        positional = [*node.args.posonlyargs, *node.args.args]
        defaults = [*zip(positional[::-1], node.args.defaults[::-1], strict=False)]
        for argument, default in (*defaults, *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)):
            value = self._value(default, frame) if default is not None else NOTHING
            if frame.does is None:
                self.held.append((value, f"the default of `{argument.arg}` in `{name}()`"))
        return path

    def _class(self, node: ast.ClassDef, frame: Frame) -> None:
        path = f"{frame.prefix}{node.name}"
        self._bases[path] = [self._value(base, frame).path for base in node.bases]
        self._values((*node.decorator_list, *(keyword.value for keyword in node.keywords)), frame)
        inner = replace(frame, scope={}, prefix=f"{path}.", outer=frame, stored=set())
        self._body(node.body, inner)
        for name, value in inner.scope.items():
            self._attributes[f"{path}.{name}"] = self._attributes[f"{path}().{name}"] = value
            if frame.does is None:
                self.held.append((replace(value, names=value.names | {node.name}), f"`{node.name}.{name}`"))
        frame.scope[node.name] = Value(path)

    # Names

    def _bind(self, target: ast.expr, value: Value, frame: Frame) -> None:
        match target:
            case ast.Name(id=name):
                self._bind_name(name, value, frame)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                for one in targets:
                    self._bind(one, replace(value, path=""), frame)
            case ast.Attribute(value=inner) | ast.Subscript(value=inner):
                self._store(target, self._value(inner, frame), value, frame)
            case _:
                self._value(target, frame)

    def _bind_name(self, name: str, value: Value, frame: Frame) -> None:
        if frame.does is not None and name in frame.globals:
            frame.does.touch((name,), "=")
            return
        scope = self.names if name in frame.globals else frame.scope
        if scope is self.names:
            self._foreign.discard(name)
        before = scope.get(name, NOTHING) if frame.branch else NOTHING  # the other branch may have run
        bound = value | before
        scope[name] = bound if frame.function and name not in frame.globals else replace(bound, names=frozenset())

    def _store(self, target: ast.Attribute | ast.Subscript, owner: Value, value: Value, frame: Frame) -> None:
        """Follow ``owner.name = value`` and ``owner[key] = value``."""
        if frame.does is not None:
            frame.does.touch(owner.names, ".=")
            if owner.path.startswith("@") and isinstance(target, ast.Attribute):
                frame.does.touch((f"{owner.path[1:]}:{target.attr}",), "=")
            return
        if isinstance(target, ast.Attribute) and owner.path.startswith("."):
            self._attributes[f"{owner.path}.{target.attr}"] = replace(value, names=frozenset())
        self._keep(owner, value.origins, target, frame)

    def _keep(self, owner: Value, origins: frozenset[Origin], holder: ast.expr, frame: Frame) -> None:
        """Record that a value is kept in an object."""
        held = [name for name in owner.names if name in self.names]
        for name in held:
            self.names[name] = replace(self.names[name], origins=self.names[name].origins | origins)
        if owner.path.startswith(".") and not held:
            frame.stored |= origins
        elif origins and not held and not frame.function:
            self.held.append((Value(origins=origins), f"`{ast.unparse(holder)}`"))

    def _name(self, name: str, frame: Frame) -> Value:
        here: Frame | None = frame
        while here is not None and here is not self._top:
            if name in here.scope and name not in here.globals:
                return here.scope[name]
            here = here.outer
        value = self.names.get(name, Value(name if name in _TRANSPARENT else ""))
        if frame.does is not None:
            frame.does.reads.add(name)
            frame.does.calls.update((value.path,) if value.path.startswith(".") else ())
        elif not frame.function:
            self.read.add(name)
        own = name in self.names and name not in self._foreign and not value.names
        return replace(value, names=frozenset((name,))) if own else value

    # Expressions

    def _expression(self, node: ast.expr, frame: Frame) -> None:
        """Follow an expression whose value is dropped: a method may keep its arguments."""
        value = self._value(node, frame)
        if frame.does is None and isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            path = self._name(node.func.id, frame).path
            secret = frozenset(one for one in value.origins if one.rule in _SECRET)
            if secret and node.func.id not in _USED_UP and not path.startswith(".") and declares(path) is None:
                self.held.append((Value(origins=secret), f"what `{node.func.id}()` was given"))

    def _values(self, nodes: Iterable[ast.AST | None], frame: Frame) -> Value:
        together = NOTHING
        for node in nodes:
            if isinstance(node, ast.expr):
                together |= self._value(node, frame)
        return replace(together, path="")

    def _unkept(self, nodes: Iterable[ast.expr], frame: Frame) -> Value:
        """Evaluate expressions that decide or delay: what they give is not kept."""
        draws = len(frame.does.draws) if frame.does is not None else 0
        found = self._values(nodes, frame)
        if frame.does is not None:
            del frame.does.draws[draws:]
        return Value(origins=frozenset(one for one in found.origins if one.rule is RULES["SSH103"]))

    def _value(self, node: ast.expr, frame: Frame) -> Value:  # noqa: C901, PLR0911, PLR0912 - one case for each kind
        match node:
            case ast.Constant():
                return NOTHING
            case ast.Name(id=name):
                return self._name(name, frame)
            case ast.Attribute(value=inner, attr=name):
                return self._member(self._known(self._value(inner, frame), frame), name, frame)
            case ast.Call():
                return self._call(node, frame)
            case ast.Await(value=inner) | ast.Starred(value=inner):
                return self._value(inner, frame)
            case ast.Lambda():
                return Value(self._define(node, f"<lambda {node.lineno}:{node.col_offset}>", frame))
            case ast.NamedExpr(target=target, value=inner):
                value = self._value(inner, frame)
                self._bind(target, value, frame)
                return value
            case ast.Subscript(value=inner, slice=index):
                owner = self._value(inner, frame)
                if owner.path == "os.environ" and isinstance(node.ctx, ast.Load):
                    self._variable(node, index, _REQUIRED)
                path = same(f"{owner.path}[]") if owner.path and owner.path[0] not in ".@" else ""
                return Value(path, owner.origins | self._value(index, frame).origins, owner.names)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._test(test, frame)
                return self._value(body, frame) | self._value(orelse, frame)
            case ast.Compare(left=left, comparators=right):
                return self._unkept((left, *right), frame)
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                return _difference(self._value(left, frame), self._value(right, frame))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                inside = replace(frame, scope={}, outer=frame, function=frame.function or "<comprehension>")
                for one in node.generators:
                    self._bind(one.target, self._value(one.iter, inside), inside)
                    self._values(one.ifs, inside)
                parts = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
                return self._values(parts, replace(inside, function=frame.function))
            case _:
                return self._values(ast.iter_child_nodes(node), frame)

    def _variable(self, node: ast.expr, name: ast.expr, which: frozenset[str]) -> None:
        """Record that an environment variable is read."""
        if isinstance(name, ast.Constant) and name.value in which:
            self.variables[node] = str(name.value)

    def _known(self, value: Value, frame: Frame) -> Value:
        """Return a value with its path in the module of the project from which it was imported."""
        if not value.path.startswith("@") or ":" not in value.path:
            return value
        file, _, name = value.path[1:].rpartition(":")
        return replace(value, path="" if frame.does is not None else self._value_of(file, name))

    def _member(self, owner: Value, name: str, frame: Frame) -> Value:
        if owner.path.startswith("@"):
            return self._attributes.get(f"{owner.path}.{name}") or _elsewhere(owner.path[1:], name)
        if owner.path.startswith("."):
            return self._own_member(owner, name, frame)
        if name in _PLAIN or not owner.path:
            return owner if name not in _PLAIN else NOTHING
        if owner.path.startswith("boto3.resource()") and name[:1].isupper():
            name = "Thing"
        return replace(owner, path=same(f"{owner.path}.{name}"))

    def _own_member(self, owner: Value, name: str, frame: Frame) -> Value:
        """Return an attribute or method of a class of the file, or of an object of it."""
        known = self._attributes.get(f"{owner.path}.{name}")
        for line in self._line(owner.path.removesuffix("()")):
            if line.startswith(".") and f"{line}.{name}" in self.functions:
                if frame.does is not None:
                    frame.does.calls.add(f"{line}.{name}")
                return replace(owner, path=f"{line}.{name}")
            if line and not line.startswith(".") and known is None:
                made = "()" if owner.path.endswith("()") else ""
                return replace(owner, path=same(f"{line}{made}.{name}"))
        return replace(known or owner, path=known.path if known else "", names=owner.names)

    def _line(self, path: str) -> list[str]:
        """Yield a class and its base classes."""
        line = [path]
        for one in line:
            line += [base for base in self._bases.get(one, ()) if base not in line]
        return line

    # Calls

    def _call(self, node: ast.Call, frame: Frame) -> Value:
        function = self._known(self._value(node.func, frame), frame)
        parts = (*node.args, *(keyword.value for keyword in node.keywords))
        delays = frame.does is not None and function.path.endswith("sleep")
        given = [self._unkept((one,), frame) if delays else self._value(one, frame) for one in parts]
        together = NOTHING
        for one in given:
            together |= one
        if declares(function.path) is not None or makes_anew(function.path, node):
            return self._registers(node, function.path, given, frame)
        if frame.does is not None:
            frame.does.touch(together.names, "()")
            _calls(node.func, function, frame.does)
        if function.path.startswith("."):
            entered = self._enter(function.path, node, given, function, frame)
            return entered or Value("", together.origins | function.origins, function.names)
        if function.path in {"os.getenv", "os.environ.get"} and node.args:
            self._variable(node, node.args[0], _VARIABLES)
            return replace(together, path="")
        path = function.path
        result = Value("", function.origins | together.origins, function.names | together.names)
        if frame.does is not None:
            if path in DRAWS:
                frame.does.draws.append((node, path))
            elif path in {"asyncio.run", "anyio.run"}:
                frame.does.loops.append(node)
        else:
            result = self._before(node, function, together, frame)
        if path in {"functools.partial", "asyncio.run"} and given:
            path = given[0].path.removesuffix("()")
        return replace(result, path=same(f"{path}()") if path else "")

    def _before(self, node: ast.Call, function: Value, together: Value, frame: Frame) -> Value:
        """Follow a call before the snapshot of a callable that is not one of the file; return its result."""
        steps = _steps(node.func) or [getattr(node.func, "attr", "")]
        name = steps[-1]
        rules = self._rules(node, function, ".".join(("?", *steps[-2:])))
        if name in ENDS and not rules:
            for origin in function.origins:
                origin.ended = True
        origins = together.origins if name not in _USED_UP else frozenset[Origin]()
        if not rules and function.names and name.startswith(_STORING):
            self._keep(function, origins, node.func, frame)
        on = function.origins | origins
        made = {Origin(node, function.path)} if function.path and not rules else set[Origin]()
        for rule in rules:
            if frame.hook and function.path.startswith("boto3."):
                continue  # it primes, as AWS recommends
            led = f" (called in line {frame.root.lineno})" if frame.root is not None else ""
            origin = Origin(node, function.path, rule, f"`{_short(node)}`{led}", on)
            made.add(origin)
            if rule.kind is Kind.EFFECT:
                self.effects.append(origin)
        if name == "shuffle":
            self._keep(together, frozenset(made), node, frame)
        return Value("", on | made, function.names)

    def _rules(self, node: ast.Call, function: Value, words: str) -> list[Rule]:
        """Return the rules that a call breaks, unless it gives a generator a fixed seed on purpose."""
        rules = what_breaks(function.path or words, node)
        package = function.path.partition(".")[0]
        if function.path.endswith("seed") and not rules and node.args and not function.names:
            self.seeded.add(package)
        drawn = RULES["SSH103"] in rules
        unseeded = any(one.rule is RULES["SSH201"] for one in function.origins) or "()" not in function.path
        return rules if not drawn or (unseeded and package not in self.seeded) else []

    def _registers(self, node: ast.Call, path: str, given: Sequence[Value], frame: Frame) -> Value:
        if not node.args:
            return Value(f"{path}()")  # options: what it returns is the decorator
        phase, aws = declares(path) or (AFTER, False)
        name, target = ast.unparse(node.args[0]), given[0].path
        self.registrations.append(Registration(name, phase, node, target, aws, frame.function))
        does = self.does.setdefault(f"{phase} {len(self.registrations)}", Does())
        does.calls.add(target)
        for one in given:
            does.touch(one.names, "()")
        _calls(node.args[0], given[0], does)
        return given[0]

    def _enter(self, path: str, node: ast.AST, given: Sequence[Value], function: Value, frame: Frame) -> Value | None:
        """Follow a call of a function or class of the file; return ``None`` for any other callable."""
        if path in self._bases:
            return self._make(path, node, given, frame)
        if frame.does is not None:
            frame.does.calls.add(path)
            return None
        self.ran.add(path)
        owner, _, method = frame.function.rpartition(".")
        making = method == "__init__" != path.rpartition(".")[2] and path.startswith(f"{owner}.")
        decorators = self._decorators.get(path, set())
        if path not in self.functions or (frame.depth >= _DEPTH and not making) or decorators - _TRANSPARENT:
            return None
        inner = self._run(path, node, given, replace(function, path=""), frame)
        if making:
            frame.stored |= inner.stored
        if decorators:
            name = path.rpartition(".")[2]
            self.held.append((replace(inner.returned, names=frozenset((name,))), f"the cache of `{name}()`"))
        return inner.returned

    def _make(self, path: str, node: ast.AST, given: Sequence[Value], frame: Frame) -> Value:
        """Return an object of a class of the file."""
        origins = frozenset(origin for one in given for origin in one.origins)
        for line in self._line(path):
            init = f"{line}.__init__"
            if frame.does is not None:
                frame.does.calls.add(init)
            elif init in self.functions and frame.depth < _DEPTH:
                return Value(f"{path}()", origins | self._run(init, node, given, Value(f"{path}()"), frame).stored)
            elif line and not line.startswith(".") and isinstance(node, ast.Call):
                origins |= self._before(node, Value(line), NOTHING, frame).origins
        return Value(f"{path}()", origins)

    def _run(self, path: str, node: ast.AST, given: Sequence[Value], this: Value, frame: Frame) -> Frame:
        """Follow the body of a function of the file before the snapshot."""
        inner = Frame({}, f"{path}.", path, hook=frame.hook, outer=self._frames.get(path), depth=frame.depth + 1)
        inner.root = frame.root or (node if isinstance(node, ast.expr) and not frame.hook else None)
        code = self.functions[path]
        names = [one.arg for one in (*code.args.posonlyargs, *code.args.args)]
        if names[:1] in (["self"], ["cls"]):
            inner.scope[names.pop(0)] = replace(this, path=this.path or f"{path.rpartition('.')[0]}()")
        if isinstance(node, ast.Call):
            names = [*names[: len(node.args)], *(keyword.arg or "" for keyword in node.keywords)]
        inner.scope.update(zip(names, given, strict=False))
        self.ran.add(path)
        self._follow(code, inner)
        return inner

    def _read(self, path: str) -> None:
        """Read a function of the file for what it does later."""
        code, outer = self.functions[path], self._frames[path]
        does = self.does.setdefault(path, Does())
        inner = Frame({}, f"{path}.", path, does, outer=outer if outer is not self._top else None)
        names = [one.arg for one in (*code.args.posonlyargs, *code.args.args, *code.args.kwonlyargs)]
        inner.scope.update(dict.fromkeys(names, NOTHING))
        if names and path.rpartition(".")[0] in self._bases:
            inner.scope[names[0]] = Value(f"{path.rpartition('.')[0]}()")
        self._follow(code, inner)

    def _follow(self, code: _Function, frame: Frame) -> None:
        if isinstance(code, ast.Lambda):
            frame.returned = self._value(code.body, frame)
        else:
            self._body(code.body, frame)


def _elsewhere(file: str, name: str) -> Value:
    """Read a name of another module of the project."""
    return Value(f"@{file}:{name}", frozenset((Origin(ast.Name(name), ""),)), frozenset((f"{file}:{name}",)))


def _calls(node: ast.expr, function: Value, does: Does) -> None:
    """Record that a function or method is called, now or as a hook."""
    if isinstance(node, ast.Attribute):
        does.touch(function.names, node.attr)
        does.touch(function.names if function.path.startswith(".") else (), "own")
    if function.path and function.path[0] not in ".@" and not function.names:
        does.touch((f"{function.path.partition('.')[0]}:",), function.path.rpartition(".")[2])


def _difference(left: Value, right: Value) -> Value:
    """Return the result of a subtraction: a duration, if both are times of one clock."""
    for clock in _CLOCKS:
        if all(any(one.rule is clock for one in side.origins) for side in (left, right)):
            return Value(origins=frozenset(one for one in left.origins | right.origins if one.rule not in _CLOCKS))
    return replace(left | right, path="")


def _steps(node: ast.expr) -> list[str]:
    """Return the names in ``a.b.c``."""
    if isinstance(node, ast.Attribute):
        return [*_steps(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else []


def _short(node: ast.Call) -> str:
    return f"{ast.unparse(node.func)[-50:]}({'...' if node.args or node.keywords else ''})"
