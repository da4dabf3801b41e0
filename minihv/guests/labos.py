"""How the teaching kernel labos is built: its user programs, then the kernel that holds them.

Two images of one kernel: `labos` boots in S-mode over an SBI, `labos-m` has its own small
firmware and boots in M-mode. `build.py` calls this with its own way to run the compiler.
"""

from collections.abc import Callable
from pathlib import Path

Zig = Callable[..., None]   # runs a tool with arguments, in the directory src; raises on failure

IMAGES = ("labos", "labos-m")

TESTS = ("test_write", "test_registers", "test_fork", "test_cow", "test_mmap", "test_exec",
         "test_code", "test_protect", "test_stack", "test_sleep", "test_preempt", "test_many")
WORKLOADS = ("compute", "syscalls", "pingpong", "faults", "forks", "churn", "memory", "ticks")
PROGRAMS = ("init", "sh", "echo", "serve", "fail", "oom", *WORKLOADS, *TESTS)

KERNEL = ("entry.S", "trap.S", "main.c", "trap.c", "syscall.c", "schedule.c", "process.c",
          "exec.c", "archive.S", "usermem.c", "space.c", "fence.c", "page.c", "console.c",
          "devicetree.c", "sbi.c", "text.c")
FIRMWARE = ("entry.S", "boot.c", "sbi.c", "harts.c", "console.c")

# Sections of their own, so that the linker leaves out what a program does not use.
FLAGS = ("-O2", "-std=gnu2x", "-Ilabos/kernel", "-ffunction-sections", "-fdata-sections")


def _compile(zig: Zig, compile_flags: list[str], out: Path, source: str, *more: str) -> str:
    """Compile src/labos/`source`; return the object's path."""
    target = str(out / (source.replace("/", "-") + ".o"))
    zig("clang", *compile_flags, *FLAGS, *more, "-c", "-o", target, f"labos/{source}")
    return target


def _programs(zig: Zig, compile_flags: list[str], link_flags: list[str], out: Path) -> None:
    """Write every user program, as a stripped ELF file of its own name, into `out`."""
    shared = [_compile(zig, compile_flags, out, source)
              for source in ("user/start.S", "user/lib.c", "kernel/text.c")]
    for name in PROGRAMS:
        main = _compile(zig, compile_flags, out, f"user/{name}.c")
        zig("ld.lld", *link_flags, "--strip-all", "--gc-sections", "-T", "labos/user/user.ld",
            *shared, main, "-o", str(out / name))


def build(image: str, zig: Zig, compile_flags: list[str], link_flags: list[str],
          out: Path) -> bytes:
    """Build the image `labos` or `labos-m`. Intermediate files go into the directory `out`."""
    _programs(zig, compile_flags, link_flags, out)
    archive = (f"-I{out}", f"-DPROGRAMS={','.join(PROGRAMS)}")
    objects = [_compile(zig, compile_flags, out, f"kernel/{source}",
                        *(archive if source == "archive.S" else ())) for source in KERNEL]
    script = "labos/kernel/kernel.ld"
    if image == "labos-m":
        objects += [_compile(zig, compile_flags, out, f"firmware/{source}")
                    for source in FIRMWARE]
        script = "labos/firmware/firmware.ld"
    target = out / "image.elf"
    zig("ld.lld", *link_flags, "-T", script, *objects, "-o", str(target))
    return target.read_bytes()
