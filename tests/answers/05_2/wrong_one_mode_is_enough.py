"""Content when one mode's entries are gone."""
# says: one_mode

from tests.answers.variants import variant

globals().update(variant(
    "05.2",
    ('elif any(named(entry, e) for entry in e["left"]):',
     'elif (left := [entry[1] for entry in e["left"] if named(entry, e)]) and not (\n'
     '                set(left).isdisjoint(gone := [entry[1] for entry in e["there"] '
     'if named(entry, e) and entry not in e["left"]]) and gone):'),
))
