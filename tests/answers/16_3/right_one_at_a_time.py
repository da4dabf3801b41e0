"""Each cell with clones of its own."""


def find_shared(make):
    for part, size in make().parts.items():
        for n in range(size):
            one, two = make(), make()
            old = one.read(part, n)
            one.write(part, n, -1 - old)
            if two.read(part, n) != old or make().read(part, n) != old:
                return part
