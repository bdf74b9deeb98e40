"""`python -m gbike`."""

from gbike.app.cli import main

main()
