"""Puts the old root into a directory and leaves it there."""
# says: old_root

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ('    sys.chdir("/box/root")\n'
     '    sys.pivot_root(".", ".")\n'
     '    sys.umount(".", "lazy")\n',
     '    sys.mkdir("/box/root/old")\n'
     '    sys.chdir("/box/root")\n'
     '    sys.pivot_root(".", "old")\n'),
))
