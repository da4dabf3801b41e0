"""`python -m minihv`: the command line."""

import sys

from minihv.cli import main

if __name__ == "__main__":
    sys.exit(main())
