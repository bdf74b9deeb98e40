"""Groups of verbs of the command line, each in a module that is imported when one of them runs."""
