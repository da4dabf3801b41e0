"""Steps over a register that it does not have."""
# says: machine

from tests.answers.variants import variant

globals().update(variant(
    "02.1",
    ('    if number not in cpu.names or cpu.mode < number',
     '    if number not in cpu.names and number >> 8 & 3 == 3:\n        cpu.pc += 4\n'
     '        return None\n    if number not in cpu.names or cpu.mode < number'),
))
