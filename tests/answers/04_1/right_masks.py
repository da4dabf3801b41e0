"""With masks from the start, and a table for the simple causes."""


def delegate(wanted, interrupts, shadow):
    hedeleg, hideleg = 0xB1FF, 0x444
    for cause in wanted:
        hedeleg &= ~(1 << cause)
    for number in interrupts:
        hideleg &= ~(1 << number)
    if shadow:
        hedeleg &= 0xFFF
    return hedeleg, hideleg


def virtual_instruction(word):
    if word == 0x10500073:
        return "wait",
    fence = word & 0xFE007FFF == 0x12000073
    satp = word & 0xFFF0007F == 0x18000073 and word & 0x3000
    return ("emulate",) if word == 0x10200073 or fence or satp else ("reflect", 2, word)


def guest_page_fault(exit, ram, devices):
    gpa = exit["htval"] * 4
    if not exit["htinst"]:
        gpa += exit["stval"] % 4
    start, size = ram
    if start <= gpa < start + size:
        return "fill", gpa - gpa % 4096
    inside = [one for one, much in devices if one <= gpa < one + much]
    if inside and exit["scause"] > 20 and exit["htinst"] == 0:
        return "device", gpa
    return "reflect", (1, 5, 0, 7)[exit["scause"] - 20], exit["stval"]


def dispatch(exit, ram, devices):
    scause = exit["scause"]
    if scause >= 1 << 63:
        return ("host",)
    if scause in (20, 21, 23):
        return guest_page_fault(exit, ram, devices)
    if scause == 22:
        return virtual_instruction(exit["stval"])
    return ("call",) if scause == 10 else ("reflect", scause, exit["stval"])
