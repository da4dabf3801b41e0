"""Takes the dearest."""
# says: dearest

from tests.answers.variants import variant

globals().update(variant("04.3",
    ("max(spent, key=spent.get)", "max(exits, key=lambda name: exits[name][1])")))
