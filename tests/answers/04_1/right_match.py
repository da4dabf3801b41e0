"""By pattern matching."""

from tests.answers.variants import variant

delegate = variant("04.1")["delegate"]


def dispatch(exit, ram, devices):
    tval, htinst = exit["stval"], exit["htinst"]
    gpa = exit["htval"] << 2 | (tval & 3 if htinst == 0 else 0)
    in_ram = 0 <= gpa - ram[0] < ram[1]
    in_device = any(0 <= gpa - start < size for start, size in devices)
    match exit["scause"]:
        case cause if cause >> 63:
            return ("host",)
        case 10:
            return ("call",)
        case 22 if tval == 0x10500073:
            return ("wait",)
        case 22 if tval == 0x10200073 or tval >> 25 == 9 or tval >> 20 == 0x180:
            return ("emulate",)
        case 22:
            return ("reflect", 2, tval)
        case 20 | 21 | 23 if in_ram:
            return ("fill", gpa // 4096 * 4096)
        case 21 | 23 if in_device and not htinst:
            return ("device", gpa)
        case 20 | 21 | 23 as cause:
            return ("reflect", {20: 1, 21: 5, 23: 7}[cause], tval)
        case cause:
            return ("reflect", cause, tval)
