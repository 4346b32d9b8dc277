"""`make load`: `companion load-test` with the words that were given."""

import sys

from load_tests.console import load_test

if __name__ == "__main__":
    sys.exit(load_test(sys.argv[1:]))
