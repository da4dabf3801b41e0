"""Two engines from one source: `python` runs it as it is, `jit` compiles it with Numba.

Both give a function with the signature of `loop.run`. The compiled one is written to a file of
its own in the user's cache folder, named by a hash of everything that went into it, because
Numba's cache looks at one file only: an edited helper elsewhere would go unnoticed.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from minihv.errors import ConfigError
from minihv.hw import bits, flatten, loop, tables
from minihv.hw.registers import TABLES as CSR_TABLES

# What the machine consists of, in the order in which it is compiled; the loop comes last.
_PARTS = ("state", "pmp", "mmu", "tlb", "access", "trap", "csr", "decode", "system")
MODULES = tuple(importlib.import_module(f"minihv.hw.{name}") for name in _PARTS)
VALUES = {f"minihv.hw.{name}" for name in ("causes", "registers", "ops", "tables")}
ARRAYS = {name: np.frombuffer(table, np.int64) for name, table in CSR_TABLES.items()}
ARRAYS |= tables.ARRAYS


@cache
def python_run() -> Callable:
    """Return the run loop as plain Python: 1-3 million instructions per second."""
    names: dict[str, object] = {}
    for module in (bits, *MODULES, loop):
        names |= vars(module)
    inline = flatten.Inline(ast.parse(inspect.getsource(bits)))
    flat = ast.fix_missing_locations(inline.visit(flatten.flat_module(compiled=False)))
    exec(compile(flat, "<minihv run loop>", "exec"), names)
    run = names["run"]
    assert callable(run)
    return run


def _constants(node: ast.ImportFrom) -> list[ast.stmt]:
    """Return an import from VALUES as assignments that Numba can freeze."""
    if node.module not in VALUES:
        return []
    source = importlib.import_module(node.module)
    names = [alias.name for alias in node.names]
    if names == ["*"]:
        names = [name for name, value in vars(source).items()
                 if name.isupper() and isinstance(value, (int, memoryview))]  # fmt: skip
    values = {name: getattr(source, name) for name in names}
    lines = (f"{name} = {value if isinstance(value, int) else f'ARRAYS[{name!r}]'}"
             for name, value in values.items())  # fmt: skip
    return ast.parse("\n".join(lines)).body


ARRAY_TYPES = {
    "s": "i8[::1]", "tlb": "i8[::1]", "code": "i8[::1]", "shared": "i8[::1]",
    "r8": "i1[::1]", "r16": "i2[::1]", "r32": "i4[::1]", "r64": "i8[::1]",
    "page_flags": "u1[::1]", "code_of": "i4[::1]",
}  # fmt: skip


def compiled(signature: str, **options: Any) -> Callable[[Callable], Callable]:
    """Numba's njit with the types said, but lazy.

    Left alone, Numba compiles a function once for every constant that it is called with; told the
    types, it compiles at once, even if the caller comes from the cache.
    """
    from numba import njit
    from numba.core.sigutils import normalize_signature

    def decorate(function: Callable) -> Callable:
        # No reference counts: the arrays outlive the call, and nothing here makes one.
        chosen: dict[str, Any] = {"error_model": "numpy", "_nrt": False, "no_cfunc_wrapper": True}
        dispatcher: Any = njit(**{**chosen, **options})(function)
        arguments, _ = normalize_signature(signature)
        compile_once = dispatcher.compile
        dispatcher.compile = lambda _: compile_once(arguments)
        return dispatcher

    return decorate


def _decorate(node: ast.FunctionDef) -> None:
    """Make a function Numba's (see `compiled`)."""
    if isinstance(node.body[0], ast.Expr) and len(node.body) > 1:
        node.body = node.body[1:]
    node.returns = None
    for argument in node.args.args:
        argument.annotation = None
    if node.decorator_list:  # an intrinsic, which is no function to compile
        return
    types = ", ".join(ARRAY_TYPES.get(argument.arg, "i8") for argument in node.args.args)
    options = "cache=True" if node.name == "run" else "no_cpython_wrapper=True"
    call = f"compiled('({types},)', {options})"
    node.decorator_list = [ast.parse(call, mode="eval").body]


def _parts(module: ast.Module) -> tuple[list[ast.stmt], list[ast.FunctionDef]]:
    """Return a module's constants, and its functions decorated; no imports, no docstrings."""
    constants: list[ast.stmt] = []
    functions = []
    for node in module.body:
        if isinstance(node, ast.ImportFrom):
            constants += _constants(node)
        elif isinstance(node, ast.FunctionDef):
            _decorate(node)
            functions.append(node)
        elif isinstance(node, ast.Assign):
            constants.append(node)
    return constants, functions


def jit_source() -> str:
    """Return the whole machine as one Python file for Numba."""
    primitives = ast.parse(Path(__file__).with_name("bits_jit.py").read_text(encoding="utf-8"))
    inline = flatten.Inline(primitives)
    trees = [ast.parse(inspect.getsource(module)) for module in MODULES]
    trees.append(flatten.flat_module(compiled=True))
    constants, functions = _parts(primitives)
    for tree in trees:
        more_constants, more_functions = _parts(inline.visit(tree))
        constants += more_constants
        functions += more_functions
    imports = [node for node in primitives.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    ours = "from minihv.hw.engine import ARRAYS, compiled"
    body = [*imports, *ast.parse(ours).body, *constants, *functions]
    text = ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))
    return f"# Generated by minihv.hw.engine from the modules of minihv.hw.\n{text}\n"


def cache_folders() -> list[Path]:
    """Return where compiled code may be kept, best first: $MINIHV_CACHE, the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    user = (Path(base) if base else Path.home() / ".cache") / "minihv"
    return [Path(os.environ.get("MINIHV_CACHE") or user), user]


def kept_cache() -> Path | None:
    """Return the first of these that can be written; None without one."""
    for folder in cache_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


@cache
def _passing_cache() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="minihv-")  # which goes when this process ends


def cache_folder() -> Path:
    """Return where compiled code goes: the folder that keeps it, or else one for this process."""
    return kept_cache() or Path(_passing_cache().name)


@cache
def jit_source_file() -> Path:
    """Return the file that Numba compiles, the results beside it; ConfigError without Numba."""
    try:
        import numba
    except ImportError as error:
        how = "install numba or choose engine='python'"
        raise ConfigError(f"the jit engine needs Numba ({error}); {how}") from error
    text = jit_source()
    parts = [array.tobytes() for array in ARRAYS.values()]
    parts += [text.encode(), numba.__version__.encode(), sys.version.encode()]
    digest = hashlib.sha256(b"".join(parts)).hexdigest()[:16]
    path = cache_folder() / f"machine_{digest}.py"
    if not path.exists():
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    return path


@cache
def jit_run() -> Callable:
    """Return the run loop compiled by Numba; ConfigError if Numba is missing."""
    path = jit_source_file()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module.run
