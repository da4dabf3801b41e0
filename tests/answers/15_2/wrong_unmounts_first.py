"""Takes a disk away before the mounts are private."""
# says: host_loses

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ('    sys.mount(None, "/", "", "rec private")\n',
     '    sys.umount("/data0")\n    sys.mount(None, "/", "", "rec private")\n'),
))
