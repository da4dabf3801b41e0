"""Faults are exceptions, and both stages are one function."""

V, R, W, X, U, A, D = 1, 2, 4, 8, 16, 64, 128
NEEDS = {"load": R | A, "store": W | A | D, "fetch": X | A}


class Fault(Exception):
    pass


def stage(read, root, address, index, access, user, where):
    table = root
    for shift in (30, 21, 12):
        pte = read(where(table + 8 * index))
        if not pte & V:
            raise Fault
        table = pte >> 10 << 12 & (1 << 56) - 1
        if pte & (R | X):
            if pte & NEEDS[access] != NEEDS[access] or (pte & U > 0) != user:
                raise Fault
            return table | address & (1 << shift) - 1
        index = address >> shift - 9 & 511
    raise Fault


def walk(read_u64, vsatp, hgatp, gva, access, priv):
    class Lost(Exception):
        pass

    def host(gpa, how="load"):
        if not hgatp:
            return gpa
        try:
            if gpa >= 1 << 41:
                raise Fault
            return stage(read_u64, hgatp << 12 & (1 << 56) - 1, gpa, gpa >> 30, how, True,
                         lambda a: a)
        except Fault:
            raise Lost(gpa) from None

    try:
        gpa = gva
        if vsatp:
            if gva >> 38 not in (0, 2 ** 26 - 1):
                raise Fault
            gpa = stage(read_u64, vsatp << 12 & (1 << 56) - 1, gva, gva >> 30 & 511, access,
                        priv == 0, host)
        return "hpa", host(gpa, access)
    except Fault:
        return "page fault", gva
    except Lost as lost:
        return "guest-page fault", lost.args[0]
