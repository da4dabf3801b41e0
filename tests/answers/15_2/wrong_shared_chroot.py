"""Leaves the mounts shared, and avoids pivot_root."""
# says: host_leak

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ('    sys.mount(None, "/", "", "rec private")\n',
     ""),
    ('    sys.chdir("/box/root")\n'
     '    sys.pivot_root(".", ".")\n'
     '    sys.umount(".", "lazy")\n',
     '    sys.chroot("/box/root")\n'),
))
