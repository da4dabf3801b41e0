"""Content when one space's entries are gone."""
# says: one_space

from tests.answers.variants import variant

globals().update(variant(
    "05.2",
    ('elif any(named(entry, e) for entry in e["left"]):',
     'elif (left := [entry[0] for entry in e["left"] if named(entry, e)]) and not (\n'
     '                e["space"] is None and e["gva"] is None and '
     'set(left).isdisjoint(gone := [entry[0] for entry in e["there"] if named(entry, '
     'e) and entry not in e["left"]]) and gone):'),
))
