"""Random guest programs: a kernel with a user, random steps, a fence where it needs one.

Two gigapages of code are always mapped one to one: the kernel's own, and a user's alias of it. A
window of three pages is what the steps map, unmap and use. Every trap counts and is stepped over.
"""

from __future__ import annotations

import random

from minihv.asm import assemble

BASE = 0x80200000  # where a flat image lies that starts in S-mode
WINDOW = 0x40000000
ROOT, MIDDLE, LEAF, FRAMES, PATCH = 0x80100000, 0x80101000, 0x80102000, 0x80110000, 0x80120000
PAGES = 3  # few, so that what is mapped anew has been used before
FLAGS = (0xCF, 0xDF, 0xCF, 0xDF, 0xDF, 0xC7, 0xD7,
         0x0F, 0x1F, 0x4B, 0x5B, 0x49, 0x59, 0x43, 0x53, 0x87, 0x00, 0x05)
WINDOW_ACCESSES = ("ld a0, {}(s3)", "lbu a1, {}(s3)", "sd a2, {}(s3)", "sb a3, {}(s3)",
                   "lw a4, {}(s3)", "sh a5, {}(s3)")  # fmt: skip
SETTINGS = (("sstatus", 1 << 18), ("sstatus", 1 << 19), ("sie", 0x22), ("sip", 2), ("sstatus", 2))
CSRS = ("sscratch", "sepc", "stval", "scause", "scounteren", "senvcfg", "satp", "mstatus", "time",
        "instret", "cycle", "stimecmp", "sip", "sie", "pmpcfg0", "mhartid", "0x5c0")  # fmt: skip


class Program:
    """The source text of one random guest, by a seed; `machine`: it starts in M-mode."""

    def __init__(self, seed: int, steps: int = 60, machine: bool = False):
        self.chosen = random.Random(seed)
        self.machine = machine
        self.labels = 0
        self.user = False
        self.lines: list[str] = []
        for _ in range(steps):
            self.step()
        if self.user:
            self.switch()

    def label(self) -> str:
        self.labels += 1
        return f"L{self.labels}"

    def step(self) -> None:
        kinds = [self.access] * 3 + [self.compute, self.csr, self.atomic, self.odd]
        if not self.user:
            kinds += [self.map] * 2 + [self.unmap, self.space, self.setting, self.timer, self.patch]
            kinds += [self.mprv] if self.machine else [self.call]
        self.chosen.choice([*kinds, self.switch])()

    def access(self) -> None:
        offset = self.chosen.choice((0, 8, 4, 1, 4090, 2047, 0x7F0))
        page = self.chosen.randrange(PAGES)
        self.lines.append(f"li s3, {WINDOW + page * 4096 + (offset & ~0x7FF):#x}")
        self.lines.append(self.chosen.choice(WINDOW_ACCESSES).format(offset & 0x7FF))

    def compute(self) -> None:
        a, b, c = (self.chosen.randrange(10, 16) for _ in range(3))
        name = self.chosen.choice(("add", "mul", "xor", "sub", "divu", "sll", "sltu"))
        self.lines.append(f"{name} x{a}, x{b}, x{c}")

    def csr(self) -> None:
        name = self.chosen.choice(CSRS)
        rd = self.chosen.randrange(6)
        writable = ("sscratch", "stval", "scause", "scounteren", "senvcfg")
        wanted = name in writable and self.chosen.random() < 0.5
        self.lines.append(f"csrrs a{rd}, {name}, a2" if wanted else f"csrr a{rd}, {name}")

    def atomic(self) -> None:
        self.lines.append(f"li s3, {WINDOW + self.chosen.randrange(PAGES) * 4096:#x}")
        self.lines.append(self.chosen.choice((
            "amoadd.d a0, a1, (s3)", "amoswap.w a2, a3, (s3)", "lr.d a4, (s3)\nsc.d a5, a1, (s3)",
        )))  # fmt: skip

    def odd(self) -> None:
        kinds = [".word 0xffffffff", "ebreak", "li s3, 0x10000000\nlbu a0, 5(s3)", "sfence.vma",
                 "li s3, 0x90000000\nsd a0, (s3)"]  # fmt: skip
        self.lines.append(self.chosen.choice([*kinds, "sret", "wfi"] if self.user else kinds))

    def entry(self) -> str:
        flags, frame = self.chosen.choice(FLAGS), FRAMES + self.chosen.randrange(4) * 4096
        return f"li t0, {frame >> 12 << 10 | flags:#x}\n"

    def fence(self, page: int) -> str:
        return self.chosen.choice((
            "sfence.vma\n", "sfence.vma\n", f"li t0, {WINDOW + page * 4096:#x}\nsfence.vma t0\n",
        ))  # fmt: skip

    def map(self) -> None:
        page = self.chosen.randrange(PAGES)
        store = f"{self.entry()}li s3, {LEAF + page * 8:#x}\nsd t0, (s3)\n"
        self.lines.append(store + self.fence(page))

    def unmap(self) -> None:
        page = self.chosen.randrange(PAGES)
        self.lines.append(f"li s3, {LEAF + page * 8:#x}\nsd x0, (s3)\n{self.fence(page)}")

    def space(self) -> None:
        """Another address space identifier, the same tables; and a fence."""
        satp = 8 << 60 | self.chosen.randrange(3) << 44 | ROOT >> 12
        self.lines.append(f"li t0, {satp:#x}\ncsrw satp, t0\nsfence.vma")

    def setting(self) -> None:
        name, bits = self.chosen.choice(SETTINGS)
        name = "m" + name[1:] if self.machine and name != "sstatus" else name
        self.lines.append(f"li t0, {bits:#x}\n{self.chosen.choice(('csrs', 'csrc'))} {name}, t0")

    def timer(self) -> None:
        wait = self.chosen.choice((0, 1, 2, 5, 20))
        self.lines.append(f"rdtime t0\naddi t0, t0, {wait}\ncsrw stimecmp, t0")
        if self.chosen.random() < 0.3:
            self.lines.append(f"li t0, 0x20\ncsrs {'m' if self.machine else 's'}ie, t0\nwfi")

    def patch(self) -> None:
        """Write an instruction, fence, and run it."""
        immediate = self.chosen.randrange(2048)
        word, back = immediate << 20 | 14 << 15 | 14 << 7 | 0x13, self.label()
        self.lines.append(
            f"li s3, {PATCH:#x}\nli t0, {word:#x}\nsw t0, (s3)\nli t0, 0x8082\nsh t0, 4(s3)\n"
            f"fence.i\nla s11, {back}\njalr ra, s3, 0\n{back}:"
        )

    def call(self) -> None:
        number = self.chosen.choice((0x10, 0x10, 0x52464E43, 0x54494D45, 0x999))
        which = self.chosen.randrange(3)
        self.lines.append(f"li a7, {number:#x}\nli a6, {which}\nli a0, 1\nli a1, 0\n"
                          "li a2, 0\nli a3, -1\necall")  # fmt: skip

    def mprv(self) -> None:
        """M-mode accesses memory as S or U would."""
        priv = self.chosen.choice((0, 0x800))
        bits = 0x20000 | priv
        self.lines.append(f"li t0, 0x1800\ncsrc mstatus, t0\nli t0, {bits:#x}\ncsrs mstatus, t0")
        self.access()
        self.atomic()
        self.lines.append("li t0, 0x20000\ncsrc mstatus, t0")

    def switch(self) -> None:
        """From the kernel to the user, or back by a system call."""
        there = self.label()
        if self.user:
            self.lines.append(f"la s11, {there}\nli s10, -1\nsub s11, s11, s9\necall\n{there}:")
        else:
            bits = 0x1800 if self.machine else 0x100
            kind = "m" if self.machine else "s"
            name, epc, ret = f"{kind}status", f"{kind}epc", f"{kind}ret"
            self.lines.append(f"li t0, {bits:#x}\ncsrc {name}, t0\nla t0, {there}\nadd t0, t0, s9\n"
                              f"csrw {epc}, t0\n{ret}\n{there}:")  # fmt: skip
        self.user = not self.user

    def text(self) -> str:
        m = self.machine
        kind = "m" if m else "s"
        tvec, cause, epc, tval, status, ret = (
            kind + name for name in ("tvec", "cause", "epc", "tval", "status", "ret")
        )
        bits = 0x1800 if m else 0x100
        own = 0x80000000 >> 12 << 10
        firmware = """
        li t0, -1
        csrw pmpaddr0, t0
        li t0, 0x1f
        csrw pmpcfg0, t0
        li t0, 0x8000000000000000
        csrw menvcfg, t0
        li t0, 7
        csrw mcounteren, t0
        """ if m else ""  # fmt: skip
        end = "li t0, 0x100000\nli t1, 0x5555\nsw t1, (t0)\n"
        body = "\n".join(self.lines)
        return f"""
        la t1, handler
        csrw {tvec}, t1
        {firmware}
        li s3, {ROOT:#x}
        li t0, {own | 0xCF:#x}
        sd t0, 16(s3)
        li t0, {own | 0xDF:#x}
        sd t0, 24(s3)
        li t0, 0xcf
        sd t0, (s3)
        li t0, {MIDDLE >> 12 << 10 | 1:#x}
        sd t0, 8(s3)
        li s3, {MIDDLE:#x}
        li t0, {LEAF >> 12 << 10 | 1:#x}
        sd t0, (s3)
        li t0, {8 << 60 | ROOT >> 12:#x}
        csrw satp, t0
        sfence.vma
        li s9, 0x40000000
        li s10, 0
        li s7, 0
        {body}
        {end}
        j .
        .balign 4
handler:
        csrr t5, {cause}
        csrr t6, {tval}
        li gp, 31
        mul s7, s7, gp
        add s7, s7, t5
        mul s7, s7, gp
        add s7, s7, t6
        bltz t5, interrupt
        li gp, -1
        bne s10, gp, skip
        addi t6, t5, -8             # a call of the user's to the kernel
        bnez t6, skip
        li s10, 0
        csrw {epc}, s11
        li gp, {bits:#x}
        csrs {status}, gp
        add t6, s11, s9
        j back
skip:
        csrr t6, {epc}
        li gp, {PATCH:#x}
        beq t6, gp, lost            # what was patched cannot be fetched
        addi t6, t6, 4
        csrw {epc}, t6
        j back
lost:
        csrw {epc}, s11
back:
        {ret}
interrupt:                          # the next one comes soon: nobody waits for ever
        csrr gp, time
        addi gp, gp, 30
        csrw stimecmp, gp
        csrw {kind}ip, x0
        {ret}
        """


def image(seed: int, steps: int = 60, machine: bool = False) -> bytes:
    """The guest of a seed as machine code."""
    origin = 0x80000000 if machine else BASE
    return bytes(assemble(Program(seed, steps, machine).text(), origin).data)
