"""Builds it all and stays outside."""
# says: no_root

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ('    sys.chdir("/box/root")\n'
     '    sys.pivot_root(".", ".")\n'
     '    sys.umount(".", "lazy")\n',
     ""),
))
