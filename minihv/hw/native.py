"""The machine's source as LLVM IR, for the compiled engine.

A function of the machine takes int64 numbers and arrays, which are named alike everywhere,
and returns one number, or several. Expressions are those of `ir`, and more: a part of `and`, `or`,
`if .. else` runs only if Python runs it, too (`and` and `or` give 0 or 1). What cannot be said is
refused by name. Each array comes as its address and its length, both int64.

Python reaches an exported function as a built-in one (METH_FASTCALL), which costs a tenth of a call
by ctypes: its `self` is the address of a block, in which address and length of each array stand, in
the order of `ARRAYS`; its arguments are the numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence

from minihv.hw.ir import Value, Writer, refuse

ARRAYS = {  # bits of an element, and how it is extended
    **dict.fromkeys(("s", "v", "tlb", "code", "shared", "r64"), (64, "sext")),
    "r8": (8, "sext"), "r16": (16, "sext"), "r32": (32, "sext"), "code_of": (32, "sext"),
    "page_flags": (8, "zext"),
}  # fmt: skip
NUMBERS = ("offset",)  # that stand in a block, too
ALONE = {"s", "v", "tlb", "code", "shared"}  # no other is a part of these; RAM has several names
TABLE = (64, "sext")


class Function(Writer):
    """Writes one function; `globals` are the names of its module, `results` says how many numbers
    each function returns."""

    def __init__(self, node: ast.FunctionDef, globals: Mapping[str, object],
                 results: Mapping[str, int], tables: dict[str, object]):  # fmt: skip
        super().__init__()
        self.node, self.globals, self.results, self.tables = node, globals, results, tables
        self.parameters = [argument.arg for argument in node.args.args]
        self.places: dict[str, str] = {}  # of local names
        self.loops: list[tuple[str, str]] = []  # labels for continue and break
        self.ended = False  # whether the LLVM block at hand has its last instruction

    # --- names and places -------------------------------------------------------------------

    def name(self, node: ast.Name) -> Value:
        """Return the value of a local name or of a constant."""
        if node.id in self.places:
            return self.new(f"load i64, ptr {self.places[node.id]}")
        constant = self.globals.get(node.id)
        if isinstance(constant, int) and -(1 << 63) <= constant < 1 << 63:
            return Value(str(int(constant)))
        refuse(node, "no such name")

    def number(self, node: ast.Attribute) -> Value:
        """Return the value of a constant of a module."""
        found = getattr(self.globals.get(ast.unparse(node.value)), node.attr, None)
        return Value(str(found)) if isinstance(found, int) else refuse(node, "no such constant")

    def slots(self, node: ast.expr) -> slice | None:
        """Return the constant that a name stands for, if that is a slice."""
        found = self.globals.get(node.id) if isinstance(node, ast.Name) else None
        return found if isinstance(found, slice) else None

    def copy(self, target: ast.Subscript, source: ast.expr) -> None:
        """Assign a part of an array: a part of another, or a table."""
        there = self.slots(target.slice)
        assert there is not None
        first, array = 0, source
        if isinstance(source, ast.Subscript):
            part = self.slots(source.slice) or refuse(source)
            first, array = part.start, source.value
        places = [self.new(f"getelementptr inbounds i64, ptr {self.array(each)[0]}, i64 {at}")
                  for each, at in ((target.value, there.start), (array, first))]  # fmt: skip
        size = 8 * (there.stop - there.start)
        self.lines.append("  call void @llvm.memcpy.p0.p0.i64(ptr {}, ptr {}, i64 {}, i1 false)"
                          .format(*places, size))  # fmt: skip

    def array(self, node: ast.expr) -> tuple[str, tuple[int, str]]:
        """Return the pointer of an array or a table, and what its elements are."""
        assert isinstance(node, ast.Name)
        if node.id in ARRAYS and node.id in self.parameters:
            return f"%{node.id}", ARRAYS[node.id]
        if not isinstance(self.globals.get(node.id), memoryview):
            refuse(node, "no array of the machine's, and no table")
        self.tables[node.id] = self.globals[node.id]
        return f"@{node.id}", TABLE

    def element(self, node: ast.Subscript) -> tuple[Value, int, str]:
        """Return the place of an element, its bits, and how it is extended."""
        pointer, (bits, extend) = self.array(node.value)
        index = self.word(node.slice)
        return self.new(f"getelementptr inbounds i{bits}, ptr {pointer}, i64 {index}"), bits, extend

    def put(self, target: ast.expr, value: Value) -> None:
        """Assign an i64."""
        if isinstance(target, ast.Name):
            self.lines.append(f"  store i64 {value}, ptr {self.places[target.id]}")
        elif isinstance(target, ast.Subscript):
            place, bits, _ = self.element(target)
            narrow = value if bits == 64 else self.new(f"trunc i64 {value} to i{bits}")
            self.lines.append(f"  store i{bits} {narrow}, ptr {place}")
        else:
            refuse(target)

    # --- control flow -----------------------------------------------------------------------

    def fresh(self) -> str:
        """Return a new label."""
        self.count += 1
        return f"l{self.count}"

    def begin(self, label: str) -> None:
        """Begin a block."""
        if not self.ended:
            self.lines.append(f"  br label %{label}")
        self.lines.append(f"{label}:")
        self.ended = False

    def jump(self, label: str) -> None:
        """End the block at hand."""
        if not self.ended:
            self.lines.append(f"  br label %{label}")
        self.ended = True

    def fork(self, condition: Value, yes: str, no: str) -> None:
        """End the block at hand with a choice."""
        self.lines.append(f"  br i1 {condition}, label %{yes}, label %{no}")
        self.ended = True

    def decide(self, node: ast.expr, yes: str, no: str) -> None:
        """Go one of two ways by an expression's truth."""
        if isinstance(node, ast.BoolOp):
            for part in node.values[:-1]:
                more = self.fresh()
                self.decide(part, *((more, no) if isinstance(node.op, ast.And) else (yes, more)))
                self.begin(more)
            self.decide(node.values[-1], yes, no)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.decide(node.operand, no, yes)
        else:
            self.fork(self.truth(node), yes, no)

    def choice(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Value:
        """Return one of two values, of which only that one is computed."""
        place, yes, no, end = self.slot("choice"), self.fresh(), self.fresh(), self.fresh()
        self.decide(test, yes, no)
        for label, node in ((yes, body), (no, orelse)):
            self.begin(label)
            self.lines.append(f"  store i64 {self.word(node)}, ptr {place}")
            self.jump(end)
        self.begin(end)
        return self.new(f"load i64, ptr {place}")

    def slot(self, name: str) -> str:
        """Return a place of its own for a value."""
        self.count += 1
        place = f"%{name}.{self.count}"
        self.places[place] = place
        return place

    # --- expressions ------------------------------------------------------------------------

    def value(self, node: ast.expr) -> Value:
        """Return the value of an expression."""
        match node:
            case ast.Constant(value=bool(flag)):
                return Value(str(flag).lower(), "i1")
            case ast.Attribute():
                return self.number(node)
            case ast.Subscript():
                place, bits, extend = self.element(node)
                loaded = self.new(f"load i{bits}, ptr {place}")
                return loaded if bits == 64 else self.new(f"{extend} i{bits} {loaded} to i64")
            case ast.BoolOp():
                value = self.choice(node, ast.Constant(1), ast.Constant(0))
                return self.new(f"icmp ne i64 {value}, 0", "i1")
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.choice(test, body, orelse)
            case ast.Compare(left=left, ops=[first, *ops], comparators=[middle, *rest]) if ops:
                both = ast.Compare(left, [first], [middle]), ast.Compare(middle, ops, rest)
                return self.value(ast.BoolOp(ast.And(), [*both]))
            case ast.BinOp(left=left, op=ast.FloorDiv(), right=right):
                return self.floor(self.word(left), self.word(right))
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)]):
                return Value(f"%{name}.length")
            case ast.Call(func=ast.Name(id="call_region"), args=args):
                return self.call_region(args)
            case ast.Call(func=ast.Name(id=name), args=args) if name in self.results:
                return self.call(name, args)
        return super().value(node)

    def floor(self, a: Value, b: Value) -> Value:
        """Return a quotient rounded down, as Python's is."""
        q = self.new(f"sdiv i64 {a}, {b}")
        rest = self.new(f"sub i64 {a}, {self.new(f'mul i64 {q}, {b}')}")
        signs = self.new(f"icmp slt i64 {self.new(f'xor i64 {rest}, {b}')}, 0", "i1")
        inexact = self.new(f"icmp ne i64 {rest}, 0", "i1")
        less = self.new(f"sext i1 {self.new(f'and i1 {signs}, {inexact}', 'i1')} to i64")
        return self.new(f"add i64 {q}, {less}")

    def passed(self, node: ast.expr) -> list[str]:
        """Return what an argument becomes in a call."""
        if isinstance(node, ast.Name) and node.id in ARRAYS and node.id in self.parameters:
            return [f"ptr %{node.id}", f"i64 %{node.id}.length"]
        return [f"i64 {self.word(node)}"]

    def call(self, name: str, args: Sequence[ast.expr]) -> Value:
        """Call a function of the machine."""
        passed = ", ".join(text for each in args for text in self.passed(each))
        return self.new(f"call {kind(self.results[name])} @{name}({passed})")

    def primitive(self, node: ast.expr, name: str, arguments: list[Value]) -> Value:
        """As Writer's; min and max, too."""
        if name in ("min", "max") and len(arguments) == 2:
            return self.new("call i64 @llvm.s{}.i64(i64 {}, i64 {})".format(name, *arguments))
        return super().primitive(node, name, arguments)

    def call_region(self, args: Sequence[ast.expr]) -> Value:
        """Call code at an address, which takes int64 only: an array is the address of its RAM."""
        address, *rest = args
        target = self.new(f"inttoptr i64 {self.word(address)} to ptr")
        passed = []
        for each in rest:
            text = self.passed(each)[0]
            kind, value = text.split()
            value = value if kind == "i64" else self.new(f"ptrtoint ptr {value} to i64").text
            passed.append(f"i64 {value}")
        return self.new(f"call i64 {target}({', '.join(passed)})")

    # --- statements -------------------------------------------------------------------------

    def body(self, nodes: Sequence[ast.stmt]) -> None:
        """Write statements; what follows a jump is never reached."""
        for node in nodes:
            if not self.ended:
                self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        """Write a statement."""
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Expr(value=value):
                self.value(value)
            case ast.Assign(targets=[ast.Subscript(slice=at) as into]) if self.slots(at):
                self.copy(into, node.value)
            case ast.Assign(targets=[ast.Tuple(elts=elements)], value=ast.Tuple(elts=values)):
                words = [self.word(each) for each in values]
                for target, word in zip(elements, words, strict=True):
                    self.put(target, word)
            case ast.Assign(targets=[ast.Tuple(elts=elements)], value=value):
                several = self.value(value)
                for k, target in enumerate(elements):
                    self.put(target, self.new(f"extractvalue {kind(len(elements))} {several}, {k}"))
            case ast.Assign(targets=targets, value=value):
                word = self.word(value)
                for target in targets:
                    self.put(target, word)
            case ast.AugAssign(target=target, op=op, value=value):
                self.put(target, self.word(ast.BinOp(target, op, value)))
            case ast.If(test=test, body=body, orelse=orelse):
                yes, no, end = self.fresh(), self.fresh(), self.fresh()
                self.decide(test, yes, no)
                for label, part in ((yes, body), (no, orelse)):
                    self.begin(label)
                    self.body(part)
                    self.jump(end)
                self.begin(end)
            case ast.While(test=test, body=body, orelse=[]):
                again, inside, end = self.fresh(), self.fresh(), self.fresh()
                self.begin(again)
                self.decide(test, inside, end)
                self.loop(inside, body, again, end)
                self.jump(again)
                self.begin(end)
            case ast.For(target=ast.Name(id=name), iter=iterable, body=body, orelse=[]):
                self.for_each(name, iterable, body)
            case ast.Break() | ast.Continue():
                self.jump(self.loops[-1][isinstance(node, ast.Break)])
            case ast.Return(value=value):
                self.leave(value)
            case _:
                refuse(node)

    def loop(self, inside: str, body: Sequence[ast.stmt], again: str, end: str) -> None:
        """Write what a loop does in one turn."""
        self.begin(inside)
        self.loops.append((again, end))
        self.body(body)
        self.loops.pop()

    def for_each(self, name: str, iterable: ast.expr, body: Sequence[ast.stmt]) -> None:
        """Write a loop over a range, or over a tuple of constants: one copy for each."""
        if isinstance(iterable, ast.Name):
            end = self.fresh()
            constants = self.globals.get(iterable.id)
            if not isinstance(constants, tuple):
                refuse(iterable, "no tuple of constants")
            for number in constants:
                again = self.fresh()
                self.put(ast.Name(name), Value(str(number)))
                self.loop(self.fresh(), body, again, end)
                self.begin(again)
            return self.begin(end)
        if not (isinstance(iterable, ast.Call) and ast.unparse(iterable.func) == "range"):
            refuse(iterable)
        numbers = [self.word(each) for each in iterable.args]
        start, stop = numbers[:2] if len(numbers) > 1 else (Value("0"), numbers[0])
        step = ast.literal_eval(iterable.args[2]) if len(numbers) == 3 else 1
        place, test, inside, again, end = self.slot(name), *(self.fresh() for _ in range(4))
        self.lines.append(f"  store i64 {start}, ptr {place}")
        self.begin(test)
        at = self.new(f"load i64, ptr {place}")
        self.fork(self.new(f"icmp {'slt' if step > 0 else 'sgt'} i64 {at}, {stop}"), inside, end)
        self.begin(inside)
        self.put(ast.Name(name), at)
        self.loop(self.fresh(), body, again, end)
        self.begin(again)
        self.lines.append(f"  store i64 {self.new(f'add i64 {at}, {step}')}, ptr {place}")
        self.jump(test)
        self.begin(end)

    def leave(self, value: ast.expr | None) -> None:
        """Return: nothing is 0."""
        if isinstance(value, ast.Tuple):
            several = "undef"
            for k, each in enumerate(value.elts):
                text = f"insertvalue {self.kind} {several}, i64 {self.word(each)}, {k}"
                several = self.new(text).text
            self.lines.append(f"  ret {self.kind} {several}")
        elif value is not None and self.kind != "i64":  # the call of another that returns as many
            self.lines.append(f"  ret {self.kind} {self.value(value)}")
        else:
            self.lines.append(f"  ret i64 {self.word(value) if value else 0}")
        self.ended = True

    @property
    def kind(self) -> str:
        """The LLVM type of what it returns."""
        return kind(self.results[self.node.name])

    def text(self) -> str:
        """Return the function as LLVM IR."""
        numbers = [name for name in self.parameters if name not in ARRAYS]
        stored = {node.id for node in ast.walk(self.node)
                  if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}  # fmt: skip
        self.places = {name: f"%{name}.at" for name in sorted(stored | {*numbers})}
        self.lines = [f"  store i64 %{name}, ptr %{name}.at" for name in numbers]
        self.body(self.node.body)
        if not self.ended:
            self.leave(None)
        taken = [f"ptr {'noalias ' if name in ALONE else ''}%{name}, i64 %{name}.length"
                 if name in ARRAYS else f"i64 %{name}" for name in self.parameters]  # fmt: skip
        head = f"define internal {self.kind} @{self.node.name}({', '.join(taken)}) nounwind {{"
        places = [f"  {place} = alloca i64" for place in self.places.values()]
        return "\n".join([head, "entry:", *places, *self.lines, "}"])


def kind(results: int) -> str:
    """Return the LLVM type of so many numbers."""
    return "i64" if results == 1 else f"{{ {', '.join(['i64'] * results)} }}"


def results_of(node: ast.FunctionDef) -> int:
    """Return how many numbers a function returns."""
    counts = {len(each.value.elts) for each in ast.walk(node)
              if isinstance(each, ast.Return) and isinstance(each.value, ast.Tuple)}  # fmt: skip
    return max(counts, default=1)


PYTHON = """
declare ptr @PyLong_AsVoidPtr(ptr)
declare i64 @PyLong_AsLongLong(ptr)
declare ptr @PyLong_FromLongLong(i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)
"""


def exported(node: ast.FunctionDef) -> str:
    """Return what Python calls: it takes a block in place of the arrays."""
    lines, passed, numbers = ["  %block = call ptr @PyLong_AsVoidPtr(ptr %self)"], [], 0
    for argument in node.args.args:
        name = argument.arg
        if name in ARRAYS:
            for k, (value, what) in enumerate(((name, "ptr"), (f"{name}.length", "i64"))):
                place = f"getelementptr i64, ptr %block, i64 {2 * BLOCK[name] + k}"
                lines += [f"  %{value}.at = {place}", f"  %{value} = load {what}, ptr %{value}.at"]
                passed.append(f"{what} %{value}")
            continue
        if name in NUMBERS:
            place = f"getelementptr i64, ptr %block, i64 {2 * len(ARRAYS) + NUMBERS.index(name)}"
            lines += [f"  %{name}.at = {place}", f"  %{name} = load i64, ptr %{name}.at"]
            passed.append(f"i64 %{name}")
            continue
        lines += [f"  %{name}.at = getelementptr ptr, ptr %arguments, i64 {numbers}",
                  f"  %{name}.object = load ptr, ptr %{name}.at",
                  f"  %{name} = call i64 @PyLong_AsLongLong(ptr %{name}.object)"]  # fmt: skip
        passed.append(f"i64 %{name}")
        numbers += 1
    lines += [f"  %result = call i64 @{node.name}({', '.join(passed)})",
              "  %object = call ptr @PyLong_FromLongLong(i64 %result)", "  ret ptr %object"]
    head = f"define ptr @host.{node.name}(ptr %self, ptr %arguments, i64 %count) nounwind {{"
    return "\n".join([head, *lines, "}"])


BLOCK = {name: number for number, name in enumerate(ARRAYS)}  # where a block has each array
BLOCK_SIZE = 2 * len(ARRAYS) + len(NUMBERS)


Part = tuple[ast.Module, Mapping[str, object]]  # a module's tree, and what its names stand for


def module(parts: Sequence[Part], exports: Collection[str]) -> str:
    """Return all functions of these modules as one LLVM module; Python may call `exports`."""
    found = [(node, globals) for tree, globals in parts for node in tree.body
             if isinstance(node, ast.FunctionDef)]  # fmt: skip
    results = {node.name: results_of(node) for node, _ in found}
    tables: dict[str, object] = {}
    texts = [Function(node, globals, results, tables).text() for node, globals in found]
    texts += [PYTHON, *(exported(node) for node, _ in found if node.name in exports)]
    for name, table in tables.items():
        assert isinstance(table, memoryview)
        numbers = ", ".join(f"i64 {number}" for number in table)
        texts.append(f"@{name} = internal constant [{len(table)} x i64] [{numbers}]")
    return "\n\n".join(texts) + "\n"
