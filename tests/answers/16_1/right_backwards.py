"""For each place and word whether a call passes from there, remembered."""


def allowed(filter, numbers, arch, argument):
    words = {4: lambda n: arch, 0: lambda n: n, 16: lambda n: argument & 0xFFFFFFFF,
             20: lambda n: argument >> 32}

    def decide(n):
        answers = {}

        def passes(at, word):
            code, jt, jf, k = filter[at]
            if code == 0x06:
                return k == 0x7FFF0000 or k == 0x7FFC0000
            if code == 0x20:
                return passes(at + 1, words.get(k, lambda n: 0)(n))
            key = at, word
            if key not in answers:
                tests = {0x15: word == k, 0x35: word >= k, 0x45: (word & k) > 0}
                answers[key] = passes(at + 1 + (jt if tests[code] else jf), word)
            return answers[key]

        return passes(0, 0)

    return sorted(filter_out(numbers, decide), reverse=True)


def filter_out(numbers, decide):
    return {n for n in numbers if decide(n)}
