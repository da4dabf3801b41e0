"""By pattern matching on the decoded fields."""


def emulate(cpu, word):
    number, field, rd = word >> 20, word >> 15 & 31, word >> 7 & 31
    x, csr = cpu.x, cpu.csr
    name = cpu.names.get(number)
    ok = cpu.mode == 1 if word == 0x10200073 else name and cpu.mode >= number >> 8 & 3
    status = csr["sstatus"]
    match word >> 12 & 7, ok:
        case 0, True:
            csr["sstatus"] = (status | 0x122) & ~(0x100 | (0 if status & 0x20 else 2))
            cpu.pc, cpu.mode = csr["sepc"], status >> 8 & 1
            return
        case kind, True if kind and not ((kind in (1, 5) or field) and number >= 0xC00):
            old = csr[name]
            operand = x[field] if kind < 4 else field
            match kind & 3:
                case 1:
                    csr[name] = operand
                case 2 if field:
                    csr[name] = old | operand
                case 3 if field:
                    csr[name] = old & (1 << 64) - 1 - operand
            if rd != 0:
                x[rd] = old
            cpu.pc += 4
            return
    csr["sepc"], csr["scause"], csr["stval"] = cpu.pc, 2, word
    csr["sstatus"] = status & ~0x122 | (status & 2) * 16 | cpu.mode * 256
    cpu.pc, cpu.mode = csr["stvec"] & ~0b11, 1
