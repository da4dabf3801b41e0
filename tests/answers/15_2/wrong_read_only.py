"""Makes the root read-only."""
# says: read_only

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ('    sys.chdir("/")\n'
     "    ###",
     '    sys.chdir("/")\n'
     '    sys.mount(None, "/", "", "remount ro")\n'
     "    ###"),
))
