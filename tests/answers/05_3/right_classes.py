"""An object for each policy."""


class Fences:
    def __init__(self):
        self.filled, self.faults = set(), 0

    def touch(self, page):
        self.faults += page not in self.filled
        self.filled.add(page)

    def change(self, page):
        self.filled.discard(page)

    def switch(self):
        self.filled = set()


class Protection(Fences):
    def __init__(self):
        super().__init__()
        self.stores, self.tables = 0, {}

    def touch(self, page):
        if page not in self.filled:
            self.tables[page[0], page[1] >> 9] = 3
        super().touch(page)

    def change(self, page):
        table = page[0], page[1] >> 9
        if table not in self.tables:
            return
        self.stores += 1
        super().change(page)
        if self.tables[table] == 0:
            del self.tables[table]
            self.filled = {p for p in self.filled if (p[0], p[1] >> 9) != table}
        else:
            self.tables[table] -= 1

    def switch(self):
        pass


def count_exits(trace):
    policies = Fences(), Protection()
    for kind, space, *page in trace:
        for policy in policies:
            if kind == "switch":
                policy.switch()
            else:
                getattr(policy, kind)((space, *page))
    return policies[0].faults, policies[1].faults, policies[1].stores


because = "c"
