"""Does not look at fences."""
# says: deaf_pages

from tests.answers.variants import variant

globals().update(variant("05.2",
    ('elif any(named(entry, e) for entry in e["left"]):',
     'elif False:'),
))
