"""With a table of operations, and the trap as a function of its own."""

import operator

OPERATIONS = {1: lambda old, new: new, 2: operator.or_, 3: lambda old, bits: old & ~bits}


def trap(cpu, word):
    status = cpu.csr["sstatus"]
    status = status & ~0x122 | (status & 2) << 4 | cpu.mode << 8
    cpu.csr.update(sepc=cpu.pc, scause=2, stval=word, sstatus=status)
    cpu.pc = cpu.csr["stvec"] // 4 * 4
    cpu.mode = 1


def back(cpu):
    status = cpu.csr["sstatus"]
    cpu.mode = status >> 8 & 1
    cpu.pc = cpu.csr["sepc"]
    cpu.csr["sstatus"] = status & ~0x102 | (status & 0x20) >> 4 | 0x20


def emulate(cpu, word):
    number = word >> 20
    source = word >> 15 & 0x1F
    function = word >> 12 & 0b11
    if function == 0:
        (back(cpu) if cpu.mode else trap(cpu, word))
        return
    reads_only = function > 1 and source == 0
    allowed = number in cpu.names and cpu.mode >= (number >> 8) % 4
    if not allowed or (number >= 0xC00 and not reads_only):
        trap(cpu, word)
        return
    name = cpu.names[number]
    operand = source if word & 0x4000 else cpu.x[source]
    old = cpu.csr[name]
    if not reads_only:
        cpu.csr[name] = OPERATIONS[function](old, operand)
    cpu.x[word >> 7 & 0x1F] = old
    cpu.x[0] = 0
    cpu.pc += 4
