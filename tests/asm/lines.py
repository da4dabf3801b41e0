"""Random lines of assembly that cover every instruction and pseudo-instruction."""

import random

from minihv.asm import disassemble
from minihv.asm.operands import REGISTERS, encode, expand, fence_set, limits
from minihv.asm.pseudo import PSEUDOS, Pseudo
from minihv.hw import registers
from minihv.hw.isa import INSTRUCTIONS, Instruction, decode
from tests.hw.peers import CLANG, knows

NEAR = 4  # a target is a label at most so many lines away, in reach of every branch


class Lines:
    """Writes lines; line i is labelled ``L<i>``."""

    def __init__(self, seed: int, count: int):
        self.random = random.Random(seed)
        self.count = count
        self.at = 0

    def target(self) -> str:
        """A label near the current line."""
        low, high = max(0, self.at - NEAR), min(self.count - 1, self.at + NEAR)
        return f"L{self.random.randint(low, high)}"

    def register(self, token: str) -> str:
        if token == "sp":
            return "sp"
        low, high = (8, 15) if token.endswith("'") else (0, 31)
        number = self.random.randint(low, high)
        return self.random.choice((REGISTERS[number], f"x{number}"))

    def immediate(self, row: Instruction, field: str) -> int:
        """A value in range; small ones are likely, so that many lines can be compressed."""
        values = limits(row, field)
        step = values.step
        if self.random.random() < 0.5:
            values = range(max(values[0], -32 * step), min(values[-1], 31 * step) + 1, step)
        value = self.random.choice((values[0], values[-1], self.random.choice(values)))
        return step if value == row.excluded.get(field) else value

    def operand(self, row: Instruction, token: str) -> str:
        if "(" in token:
            offset, base = token.rstrip(")").split("(")
            number = self.immediate(row, offset) if offset else ""
            return f"{number}({self.register(base)})"
        if token == "target":
            return self.target()
        if token == "imm20":
            return hex(self.immediate(row, "imm") >> 12 & 0xFFFFF)
        if token == "csr":
            number = self.random.randrange(4096)
            return self.random.choice((hex(number), *self.random.sample(list(registers.NUMBER), 3)))
        if token in ("pred", "succ"):
            return fence_set(self.random.randrange(1, 16))
        if token in ("imm", "uimm", "zimm"):
            return str(self.immediate(row, token))
        return self.register(token)

    def instruction(self, row: Instruction) -> str:
        """`row` with random operands, as clang accepts it."""
        operands = [self.operand(row, token) for token in row.syntax]
        if row.name == "c.nop":
            operands = []
        if row.extension == "C" and row.syntax[:1] == ("rd",):
            while operands[0] in ("zero", "x0", "sp", "x2"):
                operands[0] = self.register("rd")
        if row.extension == "C" and "rs1" in row.syntax and operands[0] in ("zero", "x0"):
            operands[0] = "a0"
        if row.name in ("c.mv", "c.add") and operands[1] in ("zero", "x0"):
            operands[1] = "t6"
        if row.name in ("c.slli", "c.srli", "c.srai", "c.addi") and operands[1] == "0":
            operands[1] = "1"
        order = self.random.choice(("", ".aq", ".rl", ".aqrl")) if "aq" in row.fields else ""
        return f"{row.name}{order} {', '.join(operands)}".strip()

    def symbol(self, pseudo: Pseudo) -> str:
        """A symbol; clang takes constants and sums in la alone."""
        places = ["word", "byte", "message", "zeros", "L0"]
        return self.random.choice(places + (["DEVICE", "zeros + 5"] if pseudo.name == "la" else []))

    def pseudo(self, pseudo: Pseudo) -> str:
        """A pseudo-instruction with random operands."""
        narrow = pseudo.name.startswith("csr") or pseudo.name in ("sll", "srl", "sra")
        narrow |= pseudo.name in ("sllw", "srlw", "sraw")
        number = self.random.randint(0, 31) if narrow else self.random.randint(-2048, 2047)
        texts = {
            "target": self.target(),
            "symbol": self.symbol(pseudo),
            "imm": str(number),
            "csr": self.random.choice(list(registers.NUMBER)),
            "imm(rs)": f"{number}({self.register('rs')})",
        }
        operands = []
        for token in pseudo.operands:
            text = texts.get(token) or self.register(token)
            while text in ("zero", "x0") and "symbol" in pseudo.operands:
                text = self.register(token)
            operands.append(text)
        return f"{pseudo.name} {', '.join(operands)}".strip()


DATA = """
.data
word: .word 1, -1, 0xffffffff, message, 1f - word
1: .dword word, 0x8000000000000000, -1, end
byte: .byte 'a', '\\n', 255, -128, 1 + 2 * 3
.half 0x1234, -32768, 65535
.section .rodata
message: .asciz "hello, \\"world\\" \\t# // /* */\\n"
.bss
zeros: .zero 64
end:
.equ DEVICE, 0x10000000
.text
"""


def everything(seed: int, *, compressed: bool = False) -> str:
    """Every instruction (c. ones if `compressed`) and pseudo-instruction in random order."""
    rows = [row for row in INSTRUCTIONS if (row.size == 4 or compressed) and knows(CLANG, row)]
    work = [*rows * 3, *[p for p in PSEUDOS if p.name != "unimp"] * 2]
    lines = Lines(seed, len(work))
    lines.random.shuffle(work)
    out = [DATA]
    for lines.at, what in enumerate(work):
        write = lines.instruction if isinstance(what, Instruction) else lines.pseudo
        out.append(f"L{lines.at}: {write(what)}")
    return "\n".join(out) + "\n"


def compressible(seed: int) -> str:
    """For every compressed instruction the 32-bit ones that it stands for, also turned round."""
    chosen = random.Random(seed)
    out = []
    for row in (row for row in INSTRUCTIONS if row.base and "target" not in row.syntax):
        words = [word for word in range(1 << 16) if decode(word) is row]
        for word in chosen.sample(words, min(len(words), 20)):
            base, values = expand(row, word)
            out.append(disassemble(encode(base, values), aliases=False))
            if "rs2" in values and "rd" in values:
                turned = values | {"rs1": values["rs2"], "rs2": values["rs1"]}
                out.append(disassemble(encode(base, turned), aliases=False))
    return "\n".join(out) + "\n"


_JUMPS = ("j L{}", "jal L{}", "beqz a0, L{}", "bnez s1, L{}", "bne a5, x0, L{}", "blt a0, a1, L{}",
          "la a0, L{}", "nop", "li a0, 5", "mul a0, a0, a0")  # fmt: skip


def jumps(seed: int, count: int = 2000) -> str:
    """Jumps and branches whose distances lie about the reach of the compressed forms."""
    chosen = random.Random(seed)
    out = []
    for i in range(count):
        # about 3 bytes a line: c.beqz reaches 80 lines, c.j 650, and beqz more than 1,000
        far = chosen.choice((70, 80, 90, 600, 650, 700))
        to = min(count - 1, max(0, i + chosen.choice((-far, far)) + chosen.randint(-9, 9)))
        # no "bne x0, a5": clang shortens it to c.bnez, and where that is too far away it comes back
        # with the operands swapped
        write = chosen.choice(_JUMPS)
        out.append(f"L{i}: {write.format(to)}")
    return "\n".join(out) + "\n"


_SUMS = ("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>")


def expression(chosen: random.Random, depth: int = 3) -> str:
    """A random expression of numbers, characters and the symbols ``small`` and ``big``."""
    if depth == 0 or chosen.random() < 0.2:
        number = chosen.getrandbits(chosen.randint(1, 63))
        forms = (str(number), hex(number), f"0{number:o}", f"0b{number:b}", "'a'", "'\\n'",
                 "small", "big", "~small", "-big", f"({number})")  # fmt: skip
        return chosen.choice(forms)
    left, right = (expression(chosen, depth - 1) for _ in range(2))
    operator = chosen.choice(_SUMS)
    if operator in ("<<", ">>"):
        right = str(chosen.randrange(64))
    if operator in ("/", "%"):
        right = str(chosen.randint(1, 1 << 40))
    inner = f"{left} {operator} {right}" if chosen.random() < 0.7 else f"{left}{operator}{right}"
    return chosen.choice((inner, f"({inner})", f"-({inner})", f"~({inner})"))


def expressions(seed: int, count: int = 300) -> str:
    """Directives that hold random expressions."""
    chosen = random.Random(seed)
    lines = (f".dword {expression(chosen)}" for _ in range(count))
    return "\n".join((".equ small, 5", ".set big, 0x7fffffff12345678", *lines)) + "\n"


# Every directive, with labels, comments and options; clang and minihv give the same bytes.
DIRECTIVES = r"""
        .globl _start, table      # GNU's comments
        .global other; .local helper
        .type _start, @function
        .equ SIZE, 3 * 4          // and C's
        .set COUNT, 1
        WIDTH = SIZE << 1
_start: first: li a0, SIZE        /* two labels on a line */
        li a1, COUNT; .set COUNT, COUNT + 1; li a2, COUNT
1:      addi a0, a0, -1 ; bnez a0, 1b
        beqz a0, 1f
1:      bnez a1, 1b
2:      j 2f
        .p2align 3
2:      lui a3, %hi(0x12345678)
        addi a3, a3, %lo(0x12345678)
4:      auipc a4, %pcrel_hi(table)
        ld a5, %pcrel_lo(4b)(a4)
        addi a6, a4, %pcrel_lo(4b)
        lw a0, WIDTH(sp)
        sw a0, -(SIZE + 4)(sp)
        lw a1, (a0)
        sd a2, 'A' - 'a'(sp)
        .balign 16
        .option push
        .option norvc
        addi sp, sp, -32
        j . + 8
        .option push
        .option rvc
        addi sp, sp, -32
        .option pop
        addi sp, sp, -32
        .option pop
        addi sp, sp, 32
        nop
        .align 4, , 3
other:  ret
        .size _start, . - _start
        .section .rodata.str, "a", @progbits
        .section .rodata
        .byte 1
        .balign 8, 0xff
        .p2align 2, 0xee, 1
        .byte 2
        .p2align 2, 0xdd, 3
        .byte 3, 4, 5
        .p2align 4, , 8
table:  .dword table, other - _start, 0x123456789abcdef0
        .quad -1
        .8byte 'x'
        .long 1, 2; .int 3; .word 4
        .4byte 0xffffffff
        .short 5; .half 0x8000; .2byte -1
        .data
        .ascii "no", "end\x41\101\n\t\\\"\0"
        .asciz "one", ""
        .string "UTF-8: \303\251 é"
        .zero 3
        .space 5, 0xaa
        .skip 2
        .fill 3, 2, 0x1234
        .fill 2
        .org 200
        .org 208, 0x11
        .byte end - zeros
        .bss
        .align 5
zeros:  .space 40
end:
        .text
helper: tail _start
        .word table
        .file "x.c"
        .ident "x"
"""
