"""Two engines from one source: `python` runs it as it is, `jit` compiles it by LLVM.

Both give the machine's functions over some arrays (`Calls`). The compiled ones are one object file
in the user's cache folder. Which one it is follows from the names, sizes and times of the sources;
if these are unknown, from the text that is compiled. It is of use to this kind of processor only.
"""

from __future__ import annotations

import ast
import ctypes
import hashlib
import importlib
import inspect
import os
import tempfile
from collections.abc import Callable, Collection
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from minihv.errors import ConfigError
from minihv.hw import bits, flatten, loop, native

# What the machine consists of; the loop comes last.
_PARTS = ("state", "pmp", "mmu", "tlb", "access", "trap", "csr", "decode", "system")
MODULES = tuple(importlib.import_module(f"minihv.hw.{name}") for name in _PARTS)


@cache
def _loop_names() -> dict[str, object]:
    names: dict[str, object] = {}
    for module in (bits, *MODULES, loop):
        names |= vars(module)
    return names


@cache
def python_run() -> Callable:
    """Return the run loop as plain Python: 1-3 million instructions per second."""
    names = dict(_loop_names())
    inline = flatten.Inline(ast.parse(inspect.getsource(bits)))
    flat = ast.fix_missing_locations(inline.visit(flatten.flat_module(compiled=False)))
    exec(compile(flat, "<minihv run loop>", "exec"), names)
    run = names["run"]
    assert callable(run)
    return run


def _trees() -> list[native.Part]:
    return [(ast.parse(inspect.getsource(module)), vars(module)) for module in MODULES]


# --- the cache --------------------------------------------------------------------------------


def cache_folders() -> list[Path]:
    """Return where compiled code may be kept, best first: $MINIHV_CACHE, the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    user = (Path(base) if base else Path.home() / ".cache") / "minihv"
    return [Path(os.environ.get("MINIHV_CACHE") or user), user]


def kept_cache() -> Path | None:
    """Return the first of these in which we can write and nobody else: what lies there is run."""
    for folder in cache_folders():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.stat()
        except OSError:
            continue
        ours = os.name != "posix" or (found.st_uid == os.geteuid() and not found.st_mode & 0o022)
        if ours and os.access(folder, os.W_OK):
            return folder
    return None


@cache
def _passing_cache() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="minihv-")  # which goes when this process ends


def cache_folder() -> Path:
    """Return where compiled code goes: the folder that keeps it, or else one for this process."""
    return kept_cache() or Path(_passing_cache().name)


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


@cache
def host() -> tuple[str, ...]:
    """Return what compiled code depends on beside its source; ConfigError without llvmlite."""
    try:
        from llvmlite import __version__, binding
    except ImportError as error:
        how = "install llvmlite or choose engine='python'"
        raise ConfigError(f"the jit engine needs llvmlite ({error}); {how}") from error
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features().flatten()
    return __version__, binding.get_default_triple(), binding.get_host_cpu_name(), features


def kept(path: Path) -> bytes | None:
    """Return what `keep` wrote; None if it is not there, or not whole."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data[32:] if hashlib.sha256(data[32:]).digest() == data[:32] else None


def keep(path: Path, data: bytes) -> None:
    """Write a file of the cache, at once and with what tells whether it is whole."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(hashlib.sha256(data).digest() + data)
    temporary.replace(path)


def code_generator(level: int) -> Any:
    """Return LLVM's for this host."""
    from llvmlite import binding

    _, triple, cpu, features = host()
    target = binding.Target.from_triple(triple)
    return target.create_target_machine(cpu=cpu, features=features, opt=level, jit=True)


def compiled(text: str, level: int, step: Callable[[], None] = lambda: None) -> bytes:
    """Return an object file of an LLVM module; `step` is called before it is optimized, and before
    code is made."""
    from llvmlite import binding

    step()
    module = binding.parse_assembly(text)
    module.verify()
    generator = code_generator(level)
    tuning = binding.create_pipeline_tuning_options(speed_level=level)
    passes = binding.create_pass_builder(generator, tuning)
    passes.getModulePassManager().run(module, passes)
    step()
    return generator.emit_object(module)


# --- the machine's functions ------------------------------------------------------------------


OURS = sorted(Path(__file__).parent.glob("*.py"))


def state_of(sources: Collection[Path]) -> list[tuple[str, int, int]]:
    """Return what tells whether files have changed: names, sizes, times."""
    stats = ((path.name, path.stat()) for path in sources)
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


class _Definition(ctypes.Structure):  # PyMethodDef
    _fields_ = [("name", ctypes.c_char_p), ("function", ctypes.c_void_p),
                ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)]  # fmt: skip


FASTCALL = 0x80


Linked = dict[str, _Definition]  # built-in functions, by name
_kept_alive: list[object] = []  # what owns the code, and definitions: functions refer to them


def link(data: bytes, names: Collection[str]) -> Linked:
    """Return the built-in functions that an object file has."""
    from llvmlite import binding

    host()
    for name in ("PyLong_AsVoidPtr", "PyLong_AsLongLong", "PyLong_FromLongLong"):
        address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
        binding.add_symbol(name, address)
    owner = binding.create_mcjit_compiler(binding.parse_assembly(""), code_generator(3))
    owner.add_object_file(binding.ObjectFileRef.from_data(data))
    owner.finalize_object()
    found = {name: owner.get_function_address(f"host.{name}") for name in names}
    linked = {name: _Definition(name.encode(), address, FASTCALL, None)
              for name, address in found.items()}  # fmt: skip
    _kept_alive.append((owner, linked))
    return linked


class Library:
    """Functions that are compiled together: `exports` of what `parts` returns, and of all that the
    machine consists of. `sources`: the files that they come from, besides those of this package."""

    def __init__(self, name: str, exports: Collection[str], parts: Callable[[], list[native.Part]],
                 sources: Collection[Path] = ()):  # fmt: skip
        self.name, self.exports, self._parts = name, exports, parts
        self._sources = [*OURS, *sources]
        self._linked: Linked = {}

    def files(self) -> list[Path]:
        """Return the files of the cache: the object, and the note that finds it."""
        note = cache_folder() / f"{self.name}_{digest(*host(), state_of(self._sources))}"
        name = kept(note)
        return [note] if name is None else [cache_folder() / name.decode(), note]

    def is_compiled(self) -> bool:
        """Return whether the cache has the object for these sources and this host."""
        return all(kept(path) is not None for path in self.files())

    def object(self, step: Callable[[], None]) -> bytes:
        """Return the object, from the cache or made now: `step` is called as each of three steps
        begins."""
        *found, note = self.files()
        data = kept(found[0]) if found else None
        if data is None:
            step()
            text = native.module([*_trees(), *self._parts()], self.exports)
            path = note.with_name(f"{self.name}_{digest(text, *host())}.o")
            data = kept(path) or compiled(text, 3, step)
            keep(path, data)
            keep(note, path.name.encode())
        return data

    def link(self, step: Callable[[], None] = lambda: None) -> Linked:
        """Return the functions; see `object`."""
        if not self._linked:
            self._linked = link(self.object(step), self.exports)
        return self._linked


MACHINE = Library(
    "machine", ("run", "settle", "take_trap", "deliver", "execute_system", "emulate", "locate",
                "reachable", "update_contexts", "flush_page", "flush_tlb", "refresh_timers"),
    lambda: [(flatten.flat_module(compiled=True), _loop_names())],
)  # fmt: skip


def built_in(definition: _Definition, block: int) -> Callable[..., int]:
    """Return a function of Python's that works on the arrays of a block (see `native`)."""
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return new(ctypes.addressof(definition), block, None)


class Calls:
    """Functions of a library over these arrays: each takes what numbers it has besides."""

    def __init__(self, kind: str, library: Library = MACHINE, offset: int = 0, **arrays: Any):
        self._arrays, self._library = arrays, library if kind == "jit" else None
        self._block = np.zeros(native.BLOCK_SIZE, np.int64)
        if self._library is None:
            return
        host()  # rather now than at the first call
        for name, array in arrays.items():
            flat = np.asarray(array)
            self._block[2 * native.BLOCK[name] :][:2] = flat.ctypes.data, flat.size
        self._block[-1] = offset

    def __getattr__(self, name: str) -> Callable[..., int]:
        if self._library is not None:
            function = built_in(self._library.link()[name], self._block.ctypes.data)
        else:
            function = _python(name)
            names = inspect.signature(function).parameters
            taken = (self._arrays[name] for name in names if name in native.ARRAYS)
            function = partial(function, *taken)
        setattr(self, name, function)  # found at once from now on
        return function


@cache
def _python(name: str) -> Callable[..., int]:
    if name == "run":
        return python_run()
    return next(vars(module)[name] for module in MODULES if name in vars(module))
