"""Works with letters instead of masks."""


def shadow_entry(pte, level, gva, offset, priv, sum_, mxr, protected):
    has = {letter for bit, letter in enumerate("vrwxugad") if pte >> bit & 1}
    may = has & set("rwx")
    if mxr and "x" in has:
        may.add("r")
    if ("u" in has) != (priv == 0):
        may = may - {"x"} if priv == 1 and sum_ else set()
    if protected or "d" not in has:
        may.discard("w")
    if not may:
        return 0
    page = (pte >> 10) % (1 << 44)
    low = 9 * level
    page = (page >> low << low) + (gva >> 12) % (1 << low) + offset // 4096
    return page * 1024 + sum(1 << "vrwxugad".index(letter) for letter in may | set("vuad"))
