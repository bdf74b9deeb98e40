"""Power cuts: what was answered is on the disk, and not only with the kernel."""
