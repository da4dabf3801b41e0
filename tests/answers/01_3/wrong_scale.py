"""Forgets that a PTE has eight bytes."""
# says: not_read

from tests.answers.variants import variant

globals().update(variant("01.3", ("table + 8 * (va", "table + (va"), ('''\
            return address, wrong.bit_length() - 1
''', '''\
            return address, wrong.bit_length() - 1
        if level == 0:
            return address, 0
'''), ("pte = read_u64(address)", "pte = read_u64(address & ~7) or 0")))
