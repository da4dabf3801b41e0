"""Rebuilds what the kernel meant as strings of letters and looks for the letter that differs."""

LETTERS = {letter: bit for bit, letter in enumerate("vrwxugad")}


def spelled(pte):
    return {letter for letter, bit in LETTERS.items() if pte & 1 << bit} - {"g"}


def find_fault(read_u64, satp, va, cause, regions):
    for region in regions:
        if region.start <= va < region.end:
            break
    leaf = set("vua") | set(region.rights.replace("-", ""))
    if "w" in leaf:
        leaf.add("d")
    levels = [2, 1, 0] if region.page == 4096 else [2, 1]
    at = satp % (1 << 44) << 12
    for level in levels:
        at += (va >> (12 + level * 9)) % 512 * 8
        pte = read_u64(at)
        odd = spelled(pte) ^ (leaf if level == levels[-1] else {"v"})
        for letter in sorted(odd):
            return (at, LETTERS[letter])
        high = pte >> 54
        if high:
            return (at, 54 + high.bit_length() - 1)
        below = (pte >> 10) % (512**level if level == levels[-1] else 1)
        if below:
            return (at, 10 + below.bit_length() - 1)
        at = pte >> 10 << 12
