"""`python -m gbike`."""

from gbike.cli import main

main()
