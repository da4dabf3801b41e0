"""Everything in one list of (count, reason)."""


def bound(fleet):
    per_second = {"requests": fleet.rate * fleet.request, "idle": fleet.idle,
                  "starts": fleet.start / fleet.lifetime}
    reason, _ = sorted(per_second.items(), key=lambda item: item[1])[-1]
    limits = [((fleet.free - fleet.shared) // fleet.each, "memory"),
              (int(fleet.cores * 1e6 // sum(per_second.values())), reason)]
    count, what = min(limits, key=lambda limit: limit[0])
    return [what, count]
