"""`gbike move`: the stores of a stopped one-machine folder become the databases of a cluster."""

from gbike.run import CannotDo


class CannotMove(CannotDo):
    """Nothing was moved, or not all of it; the text says why and what to do. Moving again begins anew."""


class NotTheSame(CannotMove):
    """What was read violates an invariant, or is not what was written."""

    code = 1
