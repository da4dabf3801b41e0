"""Returns a list, and keeps tables in a nested dict."""

from collections import defaultdict


def count_exits(trace):
    counts = [0, 0, 0]
    fenced = set()
    spaces = defaultdict(dict)
    for event in trace:
        match event:
            case ("switch", _):
                fenced.clear()
            case ("touch", space, page):
                if (space, page) not in fenced:
                    counts[0] += 1
                    fenced.add((space, page))
                table = spaces[space].setdefault(page // 512, {"pages": set(), "stores": 0})
                if page not in table["pages"]:
                    counts[1] += 1
                    table["pages"].add(page)
                    table["stores"] = 0
            case ("change", space, page):
                fenced -= {(space, page)}
                table = spaces[space].get(page // 512)
                if table is not None:
                    counts[2] += 1
                    table["stores"] += 1
                    table["pages"].discard(page)
                    if table["stores"] == 4:
                        del spaces[space][page // 512]
    return counts


because = "c"
