"""Returns lists, and looks devices up in a loop."""

OWN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 15]
ACCESS = {20: 1, 21: 5, 23: 7}


def delegate(wanted, interrupts, shadow):
    exceptions = [c for c in OWN if c not in wanted and (c < 9 or not shadow)]
    numbers = [n for n in (2, 6, 10) if n not in interrupts]
    return [sum(2**c for c in exceptions), sum(2**n for n in numbers)]


def dispatch(exit, ram, devices):
    cause, tval = exit["scause"], exit["stval"]
    if cause & 1 << 63:
        return ["host"]
    if cause in ACCESS:
        low = 0 if exit["htinst"] else tval & 3
        gpa = (exit["htval"] << 2) + low
        if gpa in range(ram[0], sum(ram)):
            return ["fill", gpa >> 12 << 12]
        if not exit["htinst"] and cause != 20:
            for start, size in devices:
                if gpa in range(start, start + size):
                    return ["device", gpa]
        return ["reflect", ACCESS[cause], tval]
    if cause == 10:
        return ["call"]
    if cause == 22:
        if tval == 0x10500073:
            return ["wait"]
        if tval in (0x10200073,) or tval >> 25 == 9 or tval >> 20 == 0x180:
            return ["emulate"]
        return ["reflect", 2, tval]
    return ["reflect", cause, tval]
