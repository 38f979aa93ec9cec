"""Runs a file in thought: the module body first, then what is left, then the hooks.

Both branches of an unknown condition are taken and joined; loops run once; calls
of the file's own functions and classes are followed while the code is known to
run before the snapshot or in a hook.
"""

from __future__ import annotations

import ast
import builtins
import functools
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint import _calls, _environment, _functions, _hook_runs, _sources
from snapstart_hooks.lint._record import Record, Sight
from snapstart_hooks.lint._sources import Site
from snapstart_hooks.lint._truth import truth
from snapstart_hooks.lint._values import (
    FILLED,
    MANY,
    NOTHING,
    UNKNOWN,
    Arguments,
    Bound,
    Class,
    Frame,
    Function,
    Instance,
    Moment,
    Origin,
    Scope,
    Value,
    join,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ("Machine",)

FALLS: Final = 0
RETURNS: Final = 1
RAISES: Final = 2

_BUILTINS: Final = frozenset(dir(builtins))
_FALLBACK_ERRORS: Final = frozenset(
    {"ImportError", "ModuleNotFoundError", "AttributeError", "NotImplementedError", "NameError", "SyntaxError"}
)
_PARTS_OF_A_DATE: Final = frozenset({"tzinfo", "year", "tm_year", "tm_isdst", "tm_zone", "tm_gmtoff"})
_CONTAINER_METHODS: Final = frozenset(
    {"append", "add", "extend", "update", "insert", "setdefault", "appendleft", "put"}
)


class Machine:
    """One run of one file.

    Attributes:
        module: The frame of the module, as the import leaves it.
        record: What was seen.
        functions: All functions of the file, in the order of their definition.
        tree: What runs.
        imports_ours: Whether the file imports `snapstart_hooks`.
    """

    def __init__(self) -> None:
        self.module: Final = Frame(None, Moment.INIT)
        self.record: Final = Record()
        self.functions: Final[dict[Function, None]] = {}
        self.tree = ast.Module(body=[], type_ignores=[])
        self.imports_ours: bool = False
        self.visited: Final[set[Function]] = set()
        self.running: Final[list[Function]] = []
        self.selves: Final[list[Value]] = []
        self.samples: Final[dict[Class, Instance]] = {}
        self.calls_left: int = 4000
        self.activity: int = 0
        self.memo: Final[dict[tuple[Function, tuple[object, ...]], Value]] = {}

    def sample(self, kind: Class) -> Instance:
        """An object of a class, for methods that nobody is seen to call."""
        if kind not in self.samples:
            self.samples[kind] = Instance(kind)
        return self.samples[kind]

    # The whole file

    def run(self, tree: ast.Module) -> None:
        """Import the file, look at what did not run, then run its hooks."""
        self.tree = tree
        self.block(tree.body, self.module)
        self._look_at_the_rest()
        for function in list(self.functions):
            if function.cached:
                self.record.cached[function] = _functions.invoke_bare(self, function, Moment.PROBE)
        _hook_runs.run_hooks(self)

    def _look_at_the_rest(self) -> None:
        done = 0
        while done < len(self.functions):
            for function in list(self.functions)[done:]:
                done += 1
                if function not in self.visited:
                    _functions.invoke_bare(self, function, Moment.LATER)

    # Statements

    def block(self, body: Sequence[ast.stmt], frame: Frame) -> int:
        """Run statements; tell whether and how they leave the block."""
        for statement in body:
            ended = self.statement(statement, frame)
            if ended:
                return ended
        return FALLS

    def statement(self, node: ast.stmt, frame: Frame) -> int:  # noqa: C901, PLR0911, PLR0912 - one branch a kind
        """Run one statement."""
        if isinstance(node, ast.Expr):
            self._expression_statement(node.value, frame)
        elif isinstance(node, ast.Assign):
            self._assign(node.targets, node.value, frame)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._assign([node.target], node.value, frame)
        elif isinstance(node, ast.AugAssign):
            self.absorb(node.target, self.evaluate(node.value, frame), frame)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._define(node, frame)
        elif isinstance(node, ast.ClassDef):
            self._define_class(node, frame)
        elif isinstance(node, ast.Import):
            self._import(node, frame)
        elif isinstance(node, ast.ImportFrom):
            self._import_from(node, frame)
        elif isinstance(node, ast.If):
            return self._if(node, frame)
        elif isinstance(node, ast.Return):
            if node.value is not None:
                frame.returns = True
                frame.result = join(frame.result, self.evaluate(node.value, frame))
            return RETURNS
        elif isinstance(node, ast.Raise):
            for part in (node.exc, node.cause):
                if part is not None:
                    self.evaluate(part, frame)
            return RAISES
        elif isinstance(node, (ast.Try, ast.TryStar)):
            return self._try(node, frame)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            return self._with(node, frame)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            return self._for(node, frame)
        elif isinstance(node, ast.While):
            if self._decide(node.test, frame) is not False:
                self._branches([lambda: self.block(node.body, frame)], frame, complete=False)
            self.block(node.orelse, frame)
        elif isinstance(node, ast.Match):
            return self._match(node, frame)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self._scope_of(target.id, frame).scope.set(target.id, None)
        elif isinstance(node, ast.Global):
            frame.declared_global.update(node.names)
        elif isinstance(node, ast.Assert):
            self.evaluate(node.test, frame)
        return FALLS

    def _branches(self, bodies: Sequence[Callable[[], int]], frame: Frame, *, complete: bool) -> int:
        """Run alternatives from the same state and join what they leave behind.

        `complete` says that one of them is taken for sure.  What a branch that
        raises had bound is forgotten.
        """
        scopes = [frame.scope] if frame is self.module else [frame.scope, self.module.scope]
        outcomes: list[list[dict[str, Value | None]]] = []
        endings: list[int] = []
        for body in bodies:
            for scope in scopes:
                scope.begin()
            ending = body()
            written = [scope.take_back() for scope in scopes]
            endings.append(ending)
            if ending != RAISES:
                outcomes.append(written)
        for position, scope in enumerate(scopes):
            _merge(scope, [written[position] for written in outcomes], complete=complete)
        return min(endings) if complete and endings and all(endings) else FALLS

    def _if(self, node: ast.If, frame: Frame) -> int:
        known = self._decide(node.test, frame)
        if known is not None:
            self._later(node.orelse if known else node.body, frame)
            return self.block(node.body if known else node.orelse, frame)
        return self._branches(
            [lambda: self.block(node.body, frame), lambda: self.block(node.orelse, frame)], frame, complete=True
        )

    def _decide(self, test: ast.expr, frame: Frame) -> bool | None:
        """Evaluate a condition; tell its outcome if that is known."""
        known = truth(test, frame)
        value = self.evaluate(test, frame)
        if known is None and frame.decides and value.const is not UNKNOWN:
            return bool(value.const)
        return known

    def _later(self, body: Sequence[ast.stmt], frame: Frame) -> None:
        """Look at a block that does not run, binding only what is not bound."""
        moment, frame.moment = frame.moment, Moment.LATER
        frame.scope.begin()
        self.block(body, frame)
        frame.moment = moment
        for name, value in frame.scope.take_back().items():
            if frame.scope.get(name) is None and value is not None:
                things = tuple(thing for thing in value.things if isinstance(thing, (Function, Class)))
                frame.scope.set(name, Value(value.paths, things=things, const=value.const))

    def _try(self, node: ast.Try | ast.TryStar, frame: Frame) -> int:
        fallbacks = [handler for handler in node.handlers if _only_fallback(handler)]
        others = [handler for handler in node.handlers if handler not in fallbacks]
        ended = (
            self._branches([lambda: self.block(node.body, frame)], frame, complete=True)
            if others
            else (self.block(node.body, frame))
        )
        for handler in fallbacks:
            if not _never(handler):
                self._later(handler.body, frame)
        handled = [self._handler(handler, frame) for handler in others]
        if not ended:
            ended = self.block(node.orelse, frame)
        if handled:
            ways = self._branches(handled, frame, complete=False)
            ended = ended if ended and ways else FALLS
        final = self.block(node.finalbody, frame)
        return final or (ended if not fallbacks or ended == RETURNS else FALLS)

    def _handler(self, handler: ast.ExceptHandler, frame: Frame) -> Callable[[], int]:
        def run() -> int:
            if handler.name:
                frame.scope.set(handler.name, NOTHING)
            return self.block(handler.body, frame)

        return run

    def _with(self, node: ast.With | ast.AsyncWith, frame: Frame) -> int:
        opened: set[Origin] = set()
        for item in node.items:
            value = self.evaluate(item.context_expr, frame)
            opened |= {origin for origin in value.origins if origin.source.resource}
            if item.optional_vars is not None:
                self.store(item.optional_vars, value, frame)
        ended = self.block(node.body, frame)
        self.record.closed |= opened
        return ended if ended != RAISES else FALLS  # the context manager may swallow it

    def _for(self, node: ast.For | ast.AsyncFor, frame: Frame) -> int:
        items = self.evaluate(node.iter, frame)

        def once() -> int:
            self.store(node.target, _element(items), frame)
            return self.block(node.body, frame)

        self._branches([once], frame, complete=False)
        return self.block(node.orelse, frame)

    def _match(self, node: ast.Match, frame: Frame) -> int:
        subject = self.evaluate(node.subject, frame)

        def case(one: ast.match_case) -> Callable[[], int]:
            def run() -> int:
                for part in ast.walk(one.pattern):
                    name = getattr(part, "name", None) or getattr(part, "rest", None)
                    if isinstance(name, str):
                        frame.scope.set(name, _element(subject))
                if one.guard is not None:
                    self.evaluate(one.guard, frame)
                return self.block(one.body, frame)

            return run

        return self._branches([case(one) for one in node.cases], frame, complete=False)

    def _expression_statement(self, node: ast.expr, frame: Frame) -> None:
        value = self.evaluate(node, frame)
        call = node.value if isinstance(node, ast.Await) else node
        if not (isinstance(call, ast.Call) and value.origins):
            return
        target = call.func
        if isinstance(target, ast.Attribute) and target.attr in _CONTAINER_METHODS:
            self.absorb(target.value, Value(origins=value.origins), frame)
        if frame.moment is Moment.INIT and not value.things:
            self.record.escapes += [(origin, call) for origin in _ordered(value.origins) if origin.node is not call]

    # Binding

    def _assign(self, targets: Sequence[ast.expr], expression: ast.expr, frame: Frame) -> None:
        value = self.evaluate(expression, frame)
        for target in targets:
            if (
                isinstance(target, (ast.Tuple, ast.List))
                and isinstance(expression, (ast.Tuple, ast.List))
                and len(target.elts) == len(expression.elts)
            ):
                for one, part in zip(target.elts, expression.elts, strict=True):
                    self._assign([one], part, frame)
            else:
                self.store(target, value, frame)

    def store(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """Assign a value to a target."""
        if isinstance(target, ast.Name):
            self.bind(target.id, value, frame)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for one in target.elts:
                self.store(one, _element(value), frame)
        elif isinstance(target, ast.Starred):
            self.store(target.value, value, frame)
        elif isinstance(target, ast.Attribute):
            self._store_attribute(target, value, frame)
        else:
            self.absorb(target, value, frame)

    def bind(self, name: str, value: Value, frame: Frame) -> None:
        """Bind a name as an assignment in this frame does."""
        if name not in frame.declared_global:
            frame.scope.set(name, value)
            return
        self.activity += 1
        if frame.moment is Moment.RESTORE or (frame.hook and not value.origins):
            self.record.rebound.add((None, name))  # made anew, or put away before the snapshot
        elif frame.moment is Moment.INIT:
            self.module.scope.set(name, value)

    def _scope_of(self, name: str, frame: Frame) -> Frame:
        return self.module if name in frame.declared_global else frame

    def _store_attribute(self, target: ast.Attribute, value: Value, frame: Frame) -> None:
        receiver = self.evaluate(target.value, frame)
        owners = [thing for thing in receiver.things if isinstance(thing, (Instance, Class))]
        for owner in owners:
            self.activity += 1
            if frame.moment is Moment.RESTORE:
                self.record.rebound.add((owner, target.attr))
            elif frame.moment is Moment.INIT or self._is_sample(owner):
                old = owner.attributes.get(target.attr)
                owner.attributes[target.attr] = value if old is None else join(old, value)
                if frame.hook and not value.origins:
                    self.record.rebound.add((owner, target.attr))  # put away before the snapshot
        if frame.hook:
            self.touch(receiver, "=")
        if owners:
            return
        if frame.moment is Moment.RESTORE:
            self.record.elsewhere.update(f"{path}.{target.attr}" for path in receiver.paths)
        if frame.moment is Moment.INIT and value.origins:
            if receiver.paths:
                self.record.stored.append((value, target))
            else:
                self.absorb(target.value, Value(origins=value.origins), frame)

    def absorb(self, target: ast.expr, value: Value, frame: Frame, whole: ast.expr | None = None) -> None:
        """Let what `target` names hold what `value` holds: ``target[...] = value`` and the like."""
        whole = whole or target
        if isinstance(target, ast.Subscript):
            index = self.evaluate(target.slice, frame)
            if isinstance(target.value, ast.Call):
                self._assign_global(target.value, index, frame)
            else:
                self.absorb(target.value, value, frame, whole)
        elif isinstance(target, ast.Name):
            self._absorb_name(target, value, frame, whole)
        elif isinstance(target, ast.Attribute):
            receiver = self.evaluate(target.value, frame)
            owners = [thing for thing in receiver.things if isinstance(thing, (Instance, Class))]
            for owner in owners:
                if frame.moment is Moment.RESTORE:
                    self.record.rebound.add((owner, target.attr))
                elif frame.moment is Moment.INIT or self._is_sample(owner):
                    owner.attributes[target.attr] = owner.attributes.get(target.attr, NOTHING).holding(value.origins)
            if owners or not value.origins or frame.moment is not Moment.INIT:
                return
            if receiver.paths:
                self.record.stored.append((value, whole))
            else:
                self.absorb(target.value, value, frame, whole)

    def _absorb_name(self, target: ast.Name, value: Value, frame: Frame, whole: ast.expr) -> None:
        if frame.moment is Moment.RESTORE and target.id not in frame.scope.values:
            self.record.rebound.add((None, target.id))
        old = frame.lookup(target.id)
        if not value.origins or (old is not None and value.origins <= old.origins):
            return
        if old is not None and old.paths and not old.origins and frame.moment is Moment.INIT:
            self.record.stored.append((value, whole))
        else:
            self._extend(target.id, value, frame)

    def _assign_global(self, call: ast.Call, index: Value, frame: Frame) -> None:
        """``globals()["name"] = ...`` in a hook."""
        in_globals = "builtins.globals" in self.evaluate(call.func, frame).paths
        if in_globals and frame.moment is Moment.RESTORE and isinstance(index.const, str):
            self.record.rebound.add((None, index.const))

    def _extend(self, name: str, value: Value, frame: Frame) -> None:
        """Add to what a name holds, in the scope that binds it."""
        where: Frame | None = frame
        while where is not None and where.scope.get(name) is None:
            where = where.parent
        if where is None:
            where = frame
        if where is not self.module or frame.moment is Moment.INIT:
            self.activity += 1
            where.scope.set(name, (where.scope.get(name) or NOTHING).holding(value.origins))

    def _is_sample(self, owner: Instance | Class) -> bool:
        return isinstance(owner, Instance) and self.samples.get(owner.kind) is owner

    def touch(self, value: Value, method: str) -> None:
        """Remember that a hook does something to what holds these origins."""
        for origin in value.origins:
            self.record.touched.setdefault(origin, set()).add(method)

    # Definitions

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
        function = self._function(node, frame)
        value = Value(things=(function,))
        for decorator in reversed(node.decorator_list):
            callee = self.evaluate(decorator, frame)
            result = _calls.apply(self, Site(callee, Arguments([value]), decorator, frame, node))
            if result.things:
                value = result
            else:
                function.opaque = True
                value = value.holding(result.origins)
        self.bind(node.name, value, frame)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, frame: Frame) -> Function:
        arguments = node.args
        defaults: dict[str, Value] = {}
        positional = [*arguments.posonlyargs, *arguments.args]
        for parameter, default in zip(reversed(positional), reversed(arguments.defaults), strict=False):
            defaults[parameter.arg] = self.evaluate(default, frame)
        for parameter, keyword_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if keyword_default is not None:
                defaults[parameter.arg] = self.evaluate(keyword_default, frame)
        function = Function(node, frame, defaults=defaults)
        self.functions[function] = None
        return function

    def _define_class(self, node: ast.ClassDef, frame: Frame) -> None:
        bases = tuple(self.evaluate(base, frame) for base in node.bases)
        for keyword in node.keywords:
            self.evaluate(keyword.value, frame)
        body = Frame(frame, frame.moment, function=frame.function, root=frame.root, in_class=True, hook=frame.hook)
        self.block(node.body, body)
        made = Class(node.name, bases, dict(body.scope.values))
        for value in made.attributes.values():
            for thing in value.things:
                if isinstance(thing, Function) and thing.frame is body:
                    thing.owner = made
        value = Value(things=(made,))
        for decorator in reversed(node.decorator_list):
            callee = self.evaluate(decorator, frame)
            result = _calls.apply(self, Site(callee, Arguments([value]), decorator, frame, node))
            value = value.holding(result.origins)
        self.bind(node.name, value, frame)

    def _import(self, node: ast.Import, frame: Frame) -> None:
        for alias in node.names:
            root = alias.name.partition(".")[0]
            self.imports_ours |= root == "snapstart_hooks"
            if alias.asname:
                self.bind(alias.asname, Value((alias.name,)), frame)
            else:
                self.bind(root, Value((root,)), frame)

    def _import_from(self, node: ast.ImportFrom, frame: Frame) -> None:
        module = "." * node.level + (node.module or "")
        self.imports_ours |= module.partition(".")[0] == "snapstart_hooks"
        for alias in node.names:
            path = f"{module}.{alias.name}" if not module.endswith(".") else module + alias.name
            _calls.look_at_import(self, node, module, alias.name)
            if alias.name != "*":
                self.bind(alias.asname or alias.name, Value((path,)), frame)

    # Expressions

    def evaluate(self, node: ast.expr, frame: Frame) -> Value:  # noqa: C901, PLR0911, PLR0912 - one branch a kind
        """What an expression gives."""
        if isinstance(node, ast.Name):
            value = frame.lookup(node.id)
            if value is None:
                return Value((f"builtins.{node.id}",)) if node.id in _BUILTINS else NOTHING
            return value
        if isinstance(node, ast.Constant):
            return Value(const=node.value)
        if isinstance(node, ast.Attribute):
            return self.attribute(self.evaluate(node.value, frame), node.attr, node, frame)
        if isinstance(node, ast.Call):
            return _calls.call(self, node, frame)
        if isinstance(node, ast.BinOp):
            return self._operation(node, frame)
        if isinstance(node, ast.Compare):
            return self._compare(node, frame)
        if isinstance(node, ast.BoolOp):
            return self._bool_operation(node, frame)
        if isinstance(node, ast.IfExp):
            known = self._decide(node.test, frame)
            return self._either(
                [node.body, node.orelse] if known is None else [node.body if known else node.orelse], frame
            )
        if isinstance(node, ast.UnaryOp):
            value = self.evaluate(node.operand, frame)
            if not isinstance(node.op, ast.Not):
                return Value(origins=value.origins) if value.origins else NOTHING
            known = truth(node, frame)
            if known is None and frame.decides and value.const is not UNKNOWN:
                known = not value.const
            return _decision(value, known=known)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, frame)
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            return _collection([self.evaluate(one, frame) for one in node.elts], filled=bool(node.elts))
        if isinstance(node, ast.Dict):
            parts = [part for part in (*node.keys, *node.values) if part is not None]
            return _collection([self.evaluate(part, frame) for part in parts], filled=bool(parts))
        if isinstance(node, ast.JoinedStr):
            return _sources.text(node, Value(origins=_origins(self.evaluate(part, frame) for part in node.values)))
        if isinstance(node, ast.FormattedValue):
            if node.format_spec is not None:
                self.evaluate(node.format_spec, frame)
            return Value(origins=self.evaluate(node.value, frame).origins)
        if isinstance(node, ast.Lambda):
            return Value(things=(self._function(node, frame),))
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            return self._comprehension(node, frame)
        if isinstance(node, ast.NamedExpr):
            value = self.evaluate(node.value, frame)
            self.store(node.target, value, frame)
            return value
        if isinstance(node, (ast.Starred, ast.Await, ast.YieldFrom)):
            return self.evaluate(node.value, frame)
        if isinstance(node, ast.Yield):
            return self.evaluate(node.value, frame) if node.value is not None else NOTHING
        if isinstance(node, ast.Slice):
            return self._either([part for part in (node.lower, node.upper, node.step) if part is not None], frame)
        return NOTHING

    def attribute(self, receiver: Value, name: str, node: ast.expr, frame: Frame) -> Value:
        """What ``receiver.name`` gives, which stands at `node`."""
        if receiver is NOTHING:
            return NOTHING
        found: list[Value] = []
        for thing in receiver.things:
            if isinstance(thing, Instance):
                found.append(self._instance_attribute(thing, name, node, frame))
            elif isinstance(thing, Class):
                value = thing.find(name)
                if value is not None:
                    found.append(_method(value, Value(things=(thing,)), name, of_class=True))
            elif isinstance(thing, Function):
                found.append(Value(things=(Bound(Value(things=(thing,)), name, None),)))
        if receiver.origins or (receiver.paths and all(value is NOTHING for value in found)):
            origins = receiver.origins
            if name in _PARTS_OF_A_DATE:
                origins = frozenset(origin for origin in origins if not origin.source.clock)
            bound = (Bound(receiver, name, None),) if origins else ()
            found.append(Value(tuple(f"{path}.{name}" for path in receiver.paths), origins, bound))
        return functools.reduce(join, found) if found else NOTHING

    def _instance_attribute(self, instance: Instance, name: str, node: ast.expr, frame: Frame) -> Value:
        this = Value(things=(instance,))
        value = instance.attributes.get(name)
        if value is not None:
            return value
        value = instance.kind.find(name)
        if value is None:
            paths = tuple(f"{path}().{name}" for path in instance.kind.imported_bases)
            return Value(paths, things=(Bound(this, name, None),)) if paths else NOTHING
        for thing in value.things:
            if isinstance(thing, Function) and thing.wrapper == "property":
                return _functions.invoke(self, thing, Arguments([this]), node, frame)
        return _method(value, this, name, of_class=False)

    def _either(self, nodes: Iterable[ast.expr], frame: Frame) -> Value:
        result: Value | None = None
        for node in nodes:
            value = self.evaluate(node, frame)
            result = value if result is None else join(result, value)
        return result or NOTHING

    def _bool_operation(self, node: ast.BoolOp, frame: Frame) -> Value:
        ends = isinstance(node.op, ast.Or)  # a true value ends an `or`, a false one an `and`
        result: Value | None = None
        for part in node.values:
            value = self.evaluate(part, frame)
            known = bool(value.const) if frame.decides and value.const is not UNKNOWN else None
            if known is None or known is ends or part is node.values[-1]:
                result = value if result is None else join(result, value)
            if known is ends:
                break
        return result or NOTHING

    def _operation(self, node: ast.BinOp, frame: Frame) -> Value:
        chain = [node]  # a + b + c + ... is as deep as it is long
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        value = self.evaluate(chain[-1].left, frame)
        for part in reversed(chain):
            value = self._combine(part, value, self.evaluate(part.right, frame), frame)
        return value

    def _combine(self, node: ast.BinOp, left: Value, right: Value, frame: Frame) -> Value:
        origins = left.origins | right.origins
        if isinstance(node.op, ast.Sub):
            clocks = {one.source.clock for one in left.origins} & {one.source.clock for one in right.origins} - {""}
            # The difference of two readings of one clock is a duration.
            origins = frozenset(one for one in origins if one.source.clock not in clocks)
        result = Value(origins=origins) if origins else NOTHING
        if isinstance(left.const, str) or isinstance(right.const, str):
            return _sources.text(node, result)
        return result

    def _compare(self, node: ast.Compare, frame: Frame) -> Value:
        values = [self.evaluate(part, frame) for part in (node.left, *node.comparators)]
        if isinstance(node.ops[0], (ast.In, ast.NotIn)):
            self.record.guarded.update(_environment.asked_for(values[0], values[1]))
        known = truth(node, frame)
        if known is None and frame.decides and len(values) == 2 and all(one.const is not UNKNOWN for one in values):  # noqa: PLR2004 - a pair
            known = _compared(node.ops[0], values[0].const, values[1].const)
        return _decision(Value(origins=_origins(values)), known=known)

    def _subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        value = self.evaluate(node.value, frame)
        index = self.evaluate(node.slice, frame)
        if isinstance(node.ctx, ast.Load):
            read = _environment.subscript(value, index)
            if read is not None:
                return self.read_variable(read, node, frame)
        if value is NOTHING:
            return NOTHING
        return Value(tuple(f"{path}[]" for path in value.paths), value.origins, value.things)

    def read_variable(self, read: _environment.Read, node: ast.expr, frame: Frame) -> Value:
        """Note that an environment variable is read which SnapStart functions do not have."""
        self.activity += 1
        self.record.sights.append(Sight(read.code, frame.root or node, read.name))
        if not read.credential:
            return NOTHING
        return Value(origins=frozenset({Origin(_environment.CREDENTIAL, node, frame.root or node, "")}))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, frame: Frame) -> Value:
        inner = Frame(frame, frame.moment, function=frame.function, root=frame.root, hook=frame.hook)
        for generator in node.generators:
            self.store(generator.target, _element(self.evaluate(generator.iter, inner)), inner)
            for condition in generator.ifs:
                self.evaluate(condition, inner)
        if isinstance(node, ast.DictComp):
            return _collection([self.evaluate(node.key, inner), self.evaluate(node.value, inner)], filled=False)
        return self.evaluate(node.elt, inner)


def _merge(scope: Scope, outcomes: Sequence[dict[str, Value | None]], *, complete: bool) -> None:
    """Bind what any of some branches had bound to either of its values."""
    for name in dict.fromkeys(name for outcome in outcomes for name in outcome):
        old = scope.get(name)
        values = [outcome.get(name, old) for outcome in outcomes]
        if not complete:
            values.append(old)
        known = [value for value in values if value is not None]
        scope.set(name, functools.reduce(join, known) if known else None)


def _never(handler: ast.ExceptHandler) -> bool:
    """Whether a handler is for a system without what Linux has: `os.urandom`, for one."""
    return isinstance(handler.type, ast.Name) and handler.type.id == "NotImplementedError"


def _only_fallback(handler: ast.ExceptHandler) -> bool:
    """Whether a handler is for a missing module or function: not the way that code runs on Lambda."""
    if handler.type is None:
        return False
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return all(isinstance(one, ast.Name) and one.id in _FALLBACK_ERRORS for one in types)


def _compared(op: ast.cmpop, left: object, right: object) -> bool | None:
    """The comparison of two constants, if it is a plain one."""
    if FILLED in (left, right):  # true and not None, and no more is known of it
        return isinstance(op, (ast.IsNot, ast.NotEq)) if None in (left, right) else None
    same = left is right or (type(left) is type(right) and left == right)
    if isinstance(op, (ast.Is, ast.Eq)):
        return same
    return not same if isinstance(op, (ast.IsNot, ast.NotEq)) else None


def _method(value: Value, receiver: Value, name: str, *, of_class: bool) -> Value:
    """A class attribute seen through an instance or the class: functions are bound."""
    things: list[Bound] = []
    for thing in value.things:
        if isinstance(thing, Function):
            unbound = thing.wrapper == "staticmethod" or (of_class and thing.wrapper != "classmethod")
            things.append(Bound(NOTHING if unbound else receiver, name, thing))
    return Value(value.paths, value.origins, tuple(things) or value.things, value.const)


def _element(value: Value) -> Value:
    """One element of a collection."""
    return Value(origins=value.origins, things=value.things) if value.origins or value.things else NOTHING


def _collection(values: Sequence[Value], *, filled: bool) -> Value:
    origins = _origins(values)
    things = tuple(dict.fromkeys(thing for value in values for thing in value.things))[:MANY]
    return Value((), origins, things, FILLED) if filled else Value((), origins, things)


def _origins(values: Iterable[Value]) -> frozenset[Origin]:
    found: frozenset[Origin] = frozenset()
    for value in values:
        if value.origins:
            found |= value.origins
    return found


def _ordered(origins: Iterable[Origin]) -> list[Origin]:
    return sorted(origins, key=lambda one: (one.node.lineno, one.node.col_offset))


def _decision(value: Value, *, known: bool | None) -> Value:
    """A condition: what it was decided by is gone, but a random decision stays random."""
    origins = frozenset(origin for origin in value.origins if origin.source.code == "SSH103")
    if known is None:
        return Value(origins=origins) if origins else NOTHING
    return Value(origins=origins, const=known)
