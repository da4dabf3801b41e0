"""Guests that mean harm: source texts in assembly, and the addresses that they try.

They end by themselves or go on for ever; what matters is that a virtual machine shows them the
same as the bare one, and shows nobody else anything of them.
"""

from __future__ import annotations

import random

from minihv.asm import assemble
from minihv.hw.state import RAM_BASE
from tests.hw.chaos import random_words

POWER_OFF = """
    li a7, 0x53525354
    li a6, 0
    li a0, 0
    li a1, 0
    ecall
"""

# Counts each trap in s5 (causes) and s6 (values), and goes on at s11.
HANDLER = """
    .balign 4
handler:
    csrr t5, scause
    csrr t6, stval
    li gp, 31
    mul s5, s5, gp
    add s5, s5, t5
    mul s6, s6, gp
    add s6, s6, t6
    csrw sepc, s11
    li gp, 0x100
    csrs sstatus, gp
    sret
"""

START = """
    la t0, handler
    csrw stvec, t0
    li s5, 0
    li s6, 0
    li s7, 0            # what it could load
    li s2, 0x80100000   # root, middle and leaf page table
    li s3, 0x80101000
    li s4, 0x80102000
"""


def program(text: str) -> bytes:
    """The machine code of a source text, for address RAM_BASE."""
    return bytes(assemble(text, RAM_BASE).data)


def attempt(instruction: str, after: str = "") -> str:
    """One instruction that may trap; `after` runs only where it did not."""
    attempt.count += 1  # type: ignore[attr-defined]
    label = f"on{attempt.count}"  # type: ignore[attr-defined]
    return f"la s11, {label}\n{instruction}\n{after}\n{label}:\n"


attempt.count = 0  # type: ignore[attr-defined]


def accesses(address: str, between: str = "") -> str:
    """Load, store, atomics and fetch at what register `address` holds; `between` before each."""
    took = "add s7, s7, a0"
    return between.join((
        attempt(f"ld a0, 8({address})", took),
        attempt(f"lbu a0, ({address})", took),
        attempt(f"sd s9, 16({address})"),
        attempt(f"amoadd.d a0, s9, ({address})", took),
        attempt(f"lr.w a0, ({address})", took),
        attempt(f"sc.w a0, s9, ({address})"),
        f"la ra, back{attempt.count}\n",  # type: ignore[attr-defined]
        f"la s11, back{attempt.count}\njr {address}\nback{attempt.count}:\n",  # type: ignore
    ))  # fmt: skip


def entry(table: str, index: int, frame: str, flags: int) -> str:
    """Let a page table's entry point to the physical address in register `frame`."""
    return f"""
    srli t1, {frame}, 12
    slli t1, t1, 10
    ori t1, t1, {flags:#x}
    sd t1, {index * 8}({table})
    """


TRANSLATE = """
    srli t3, s2, 12
    li t4, 0x8000000000000000
    or t3, t3, t4
    csrw satp, t3
    sfence.vma
"""


def call(extension: int, function: int, a0: str, a1: str = "x0", a2: str = "x0") -> str:
    """An SBI call with registers as arguments; its answer counts."""
    return f"""
    mv t0, {a0}
    mv t1, {a1}
    mv t2, {a2}
    li a7, {extension:#x}
    li a6, {function}
    mv a0, t0
    mv a1, t1
    mv a2, t2
    """ + attempt("ecall", "add s6, s6, a0\nadd s7, s7, a1")


def everywhere(addresses: list[int]) -> bytes:
    """A guest that tries each of these physical addresses in every way that it can name them."""
    own = "li t2, 0x80000000\n" + entry("s2", 2, "t2", 0xCF)
    three_levels = entry("s2", 1, "s3", 1) + entry("s3", 0, "s4", 1)
    body = "".join((
        "csrw satp, x0\n", accesses("s8"),                            # without translation
        "li s10, 4\n", call(0x4442434E, 0, "s10", "s8"),              # print it
        call(0x4442434E, 1, "s10", "s8"), call(4, 0, "s8"),           # read to it, masks from it
        own, three_levels, entry("s4", 0, "s8", 0xCF), TRANSLATE,
        "li s10, 0x40000000\n", accesses("s10"),                      # as a page
        "srli t2, s8, 21\nslli t2, t2, 21\n", entry("s3", 0, "t2", 0xCF), "sfence.vma\n",
        "sub t2, s8, t2\nadd s10, s10, t2\n", accesses("s10"),        # in a superpage
        "li s10, 0x40000000\n",
        entry("s3", 0, "s8", 1), "sfence.vma\n", accesses("s10"),     # as a leaf table
        entry("s2", 1, "s8", 1), "sfence.vma\n", accesses("s10"),     # as a middle table
    ))  # fmt: skip
    table = "\n".join(f".dword {address}" for address in addresses)
    return program(f"""
    {START}
    li s9, -0x101
    la s1, table
    li s0, {len(addresses)}
next:
    ld s8, (s1)
    {body}
    addi s1, s1, 8
    addi s0, s0, -1
    beqz s0, done
    j next
done:
    csrw satp, x0
    {POWER_OFF}
    {HANDLER}
    .balign 8
table:
    {table}
    """)


def rooted(address: int) -> bytes:
    """A guest whose root page table lies at `address`."""
    satp = 8 << 60 | address >> 12
    return program(f"{START}\n li t0, {satp:#x}\n csrw satp, t0\n sfence.vma\n ld a0, (s2)\n j .")


# --- guests that are merely absurd ---------------------------------------------------------------

PTES = (
    0, 1, 0x11, 0x41, 0x81, 0x05, 0x0D, 0x4F, 0xC7, 0xCF, 0xDF, 0xEF, 0x1F, 0x3FF,
    *(RAM_BASE >> 12 << 10 | low for low in (1, 0xC5, 0xCF, 0xD7, 0x0F, 0x07, 0x09, 0x19)),
    0x80100 << 10 | 1,  # the root itself: a loop
    0x80101 << 10 | 1, 0x80101 << 10 | 0xCF, 0x80001 << 10 | 0xCF,  # superpages that are misaligned
    0x3FFFFFFFFFF << 10 | 1, (1 << 44) - 1 << 10 | 0xCF, *(1 << bit | 0xCF for bit in (53, 54, 63)),
    0x7 << 61 | 1, 0x10000 << 10 | 0xCF, 0x80400 << 10 | 0xCF, (1 << 64) - 1, (1 << 64) - 0x400 | 1,
)  # fmt: skip


def absurd_tables() -> bytes:
    """Every one of PTES in the root, the middle and the leaf table."""
    own = "li t2, 0x80000000\n" + entry("s2", 2, "t2", 0xCF)
    middle, leaf = entry("s2", 1, "s3", 1), entry("s2", 1, "s3", 1) + entry("s3", 0, "s4", 1)
    body = ""
    for pointers, table, index in (("", "s2", 1), (middle, "s3", 0), (leaf, "s4", 0)):
        body += f"{pointers}\nsd s8, {8 * index}({table})\n{TRANSLATE}\nli s10, 0x40000000\n"
        body += accesses("s10", "sfence.vma\n") + attempt("ld a0, -4(s10)")
        body += "lui t1, 1\nadd s10, s10, t1\n" + attempt("sd a0, -4(s10)")
    table = "\n".join(f".dword {pte}" for pte in PTES)
    return program(f"""
    {START}
    {own}
    la s1, table
    li s0, {len(PTES)}
next:
    ld s8, (s1)
    {body}
    addi s1, s1, 8
    addi s0, s0, -1
    beqz s0, done
    j next
done:
    csrw satp, x0
    {POWER_OFF}
    {HANDLER}
    .balign 8
table:
    {table}
    """)


EXTENSIONS = (*range(8), 9, 0x10, 0x11, 0x54494D45, 0x735049, 0x52464E43, 0x53525354, 0x4442434E,
              0x504D55, 0x53555350, 0x43505043, -1, 1 << 62)  # fmt: skip
ARGUMENTS = (0, 1, -1, 7, RAM_BASE, RAM_BASE + (4 << 20) - 4, 1 << 55, -8, 0x7FFFFFFFFFFFFFFF)


def unknown_calls() -> bytes:
    """Calls of the firmware that exist and that do not, with arguments that make little sense."""
    calls = ""
    for extension in EXTENSIONS:
        for function in (0, 1, 2, 6, 99, -1):
            if extension == 0x53525354 and function == 0:
                continue
            calls += f"""
            li s8, {extension}
            li s9, {function}
            jal s11, arguments
            """
    table = "\n".join(f".dword {value}" for value in ARGUMENTS)
    return program(f"""
    {START}
    {calls}
    {POWER_OFF}
arguments:
    la s1, table
    la s2, end
each:
    mv a7, s8
    mv a6, s9
    ld a0, (s1)
    ld a1, 8(s1)
    ld a2, 16(s1)
    mv a3, a1
    ecall
    add s5, s5, a0
    add s6, s6, a1
    addi s1, s1, 8
    bne s1, s2, each
    jr s11
    {HANDLER}
    .balign 8
table:
    {table}
end:
    .dword 0, 0, 0
    """)


def garbage(seed: int, words: int = 2000) -> bytes:
    """Random words as code, one after the other, whatever they do."""
    chosen = random.Random(seed)
    code = "\n".join(
        f".word {int.from_bytes(data)}"
        for data in zip(*[iter(random_words(seed, words, calls=0.02))] * 4, strict=True)
    )
    values = "\n".join(
        f"li x{number}, {value}" for number in range(1, 32)
        for value in [chosen.choice((chosen.getrandbits(64), RAM_BASE + chosen.getrandbits(21)))]
    )
    return program(f"""
    la t0, handler
    csrw stvec, t0
    la t0, words
    csrw sscratch, t0
    {values}
words:
    {code}
    {POWER_OFF}
    .balign 4
handler:                # a step further than the last time, whatever happened
    csrr sp, sscratch
    addi sp, sp, 4
    csrw sscratch, sp
    csrw sepc, sp
    li sp, 0x80200000
    sret
    """)


FLOODS = {
    "a timer that is always due": """
        csrw stimecmp, x0
        li t0, 0x222
        csrw sie, t0
        csrsi sstatus, 2
        again: addi s8, s8, 1
        j again
    """,
    "interrupts to itself": f"""
        li t0, 2
        csrw sie, t0
        csrsi sstatus, 2
        li s11, 0
        again: li t1, 1
        {call(0x735049, 0, "t1")}
        csrsi sip, 2
        j again
    """,
    "fences": "again: sfence.vma\n sfence.vma t0, t1\n j again",
    "calls": "li a7, 0x10\n again: ecall\n j again",
    "devices": "li s8, 0x10000000\n again: lbu t0, 5(s8)\n sb t0, 7(s8)\n lw t0, (s8)\n j again",
}


def flood(name: str) -> bytes:
    """A guest that does one of FLOODS for ever."""
    return program(f"""
    {START}
    {FLOODS[name]}
    .balign 4
handler:
    csrc sip, 2
    sret
    """)


NOWHERE = {
    "beyond memory": "li t0, 0x123456789000\n jr t0",
    "before memory": "jr x0",
    "the last address": "li t0, -2\n jr t0",
    "a device": "li t0, 0x10000000\n jr t0",
    "an odd place": "li t0, 0x80000003\n csrw sepc, t0\n csrw stvec, t0\n sret",
    "the end of memory": "li t0, 0x803ffffe\n li t1, 3\n sh t1, (t0)\n jr t0",
    "sleep for ever": "csrw sie, x0\n 1: wfi\n j 1b",
    "no stack": "li sp, 0\n 1: sd ra, -8(sp)\n j 1b",
}


def nowhere(name: str) -> bytes:
    """A guest that goes where nothing is; its handler lies there as well."""
    return program(f"li t6, 0x9999999000\n csrw stvec, t6\n {NOWHERE[name]}\n")


# --- guests that start in M-mode ------------------------------------------------------------------

MACHINE = {
    "mtvec nowhere": "li t0, 0x1000\n csrw mtvec, t0\n ecall",
    "all memory locked away": """
        li t0, -1
        csrw pmpaddr0, t0
        li t0, 0x98
        csrw pmpcfg0, t0
        j .
    """,
    "MPRV into nothing": """
        la t0, 1f
        csrw mtvec, t0
        li t0, 0x20800
        csrs mstatus, t0
        li t0, 0x8000000000000001
        csrw satp, t0
        .balign 4
    1:  ld a0, (sp)
        j 1b
    """,
    "every delegation": """
        li t0, -1
        csrw medeleg, t0
        csrw mideleg, t0
        csrw mie, t0
        csrw stvec, t0
        csrw mtvec, x0
        li t0, 0x1888
        csrc mstatus, t0
        mret
    """,
    "timers at both ends": """
        la t0, 1f
        csrw mtvec, t0
        li t0, -1
        csrw menvcfg, t0
        csrw mie, t0
        csrw stimecmp, x0
        li s8, 0x2004000
        sd x0, (s8)
        csrsi mstatus, 8
        .balign 4
    1:  addi s9, s9, 1
        csrsi mstatus, 8
        wfi
        j 1b
    """,
}
