"""A capability counts wherever the process has it."""
# says: above

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('        if name == process["space"]:\n'
     '            return cap in process["caps"]\n',
     '        if cap in process["caps"]:\n'
     "            return True\n"
     '        if name == process["space"]:\n'
     "            return False\n"),
))
