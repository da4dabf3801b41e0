"""Gives the owner nothing further below."""
# says: owner_below

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('    while name:\n',
     '    target = name\n    while name:\n'),
    ('== process["uid"]:',
     '== process["uid"] and name == target:'),
))
