"""What is not allowed is raised, and caught in one place; bits by name, set one by one."""


class Illegal(Exception):
    pass


BITS = {"SIE": 1, "SPIE": 5, "SPP": 8}


def get(cpu, name):
    return cpu.csr["sstatus"] >> BITS[name] & 1


def put(cpu, **bits):
    for name, bit in bits.items():
        status = cpu.csr["sstatus"] & ~(1 << BITS[name])
        cpu.csr["sstatus"] = status | bit << BITS[name]


def carry_out(cpu, word):
    if word == 0x10200073:
        if cpu.mode < 1:
            raise Illegal
        cpu.mode, cpu.pc = get(cpu, "SPP"), cpu.csr["sepc"]
        put(cpu, SIE=get(cpu, "SPIE"), SPIE=1, SPP=0)
        return
    number, field, form, rd = word >> 20, word >> 15 & 31, word >> 12 & 7, word >> 7 & 31
    writes = form in (1, 5) or field
    if number not in cpu.names or (number & 0x300) >> 8 > cpu.mode:
        raise Illegal
    if writes and number >> 10 == 3:
        raise Illegal
    value = field if form > 4 else cpu.x[field]
    old = new = cpu.csr[cpu.names[number]]
    if form in (1, 5):
        new = value
    elif form in (2, 6):
        new |= value
    else:
        new &= ~value
    if writes:
        cpu.csr[cpu.names[number]] = new
    if rd:
        cpu.x[rd] = old
    cpu.pc = cpu.pc + 4


def emulate(cpu, word):
    at = cpu.pc
    try:
        carry_out(cpu, word)
    except Illegal:
        cpu.csr["sepc"] = at
        cpu.csr["scause"] = 2
        cpu.csr["stval"] = word
        put(cpu, SPIE=get(cpu, "SIE"), SIE=0, SPP=cpu.mode)
        cpu.mode = 1
        cpu.pc = cpu.csr["stvec"] & -4
