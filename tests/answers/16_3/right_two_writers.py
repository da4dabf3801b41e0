"""Two writers, and a set of suspects."""


def find_shared(make):
    first, second = make(), make()
    suspects = set()
    for part in first.parts:
        for n in range(first.parts[part]):
            first.write(part, n, 1111)
            second.write(part, n, 2222)
            third = make()
            if first.read(part, n) != 1111 or third.read(part, n) in (1111, 2222):
                suspects.add(part)
    return suspects.pop() if suspects else None
