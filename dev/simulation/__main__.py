"""`python -m dev.simulation`, the same as `gbike sim`."""

import sys

from dev.simulation.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
