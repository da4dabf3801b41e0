"""Takes a namespace beside it for its own."""
# says: beside

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('        if name == process["space"]:',
     '        own = spaces[process["space"]]["parent"]\n'
     '        if name == process["space"] or own and space["parent"] == own:'),
))
