"""Changes the root by chroot, and stands in the host's."""
# says: stands_outside

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ('    sys.chdir("/box/root")\n'
     '    sys.pivot_root(".", ".")\n'
     '    sys.umount(".", "lazy")\n',
     '    sys.chroot("/box/root")\n'),
    ('    sys.chdir("/")\n'
     "    ###",
     "    ###"),
))
