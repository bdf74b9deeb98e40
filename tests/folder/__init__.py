"""The data folder of one process: what is missing, old or broken is said by name."""
