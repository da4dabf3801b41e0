"""python -m minihv.containers: the commands of `minihv container`."""

import argparse
import sys

from minihv.containers.cli import add_parser, main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m minihv.containers")
    add_parser(parser.add_subparsers())
    sys.exit(main(parser.parse_args(["container", *sys.argv[1:]])))
