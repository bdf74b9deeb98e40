"""The compositions: services put together, in one process or in many, and the command line over them."""


class CannotDo(Exception):
    """What somebody asked for can't be done; the text says why and what to do, and a verb prints it as one line."""

    code = 2
    """The exit code: 1 where the verb ran and found something wrong."""
