"""The simulator: the product's own services, unmodified, under a seeded event loop and a virtual clock.

`gbike sim --seeds 50` runs seeds, `--seed 7` one again, `--mutants` plants bugs and catches them and
`--check-determinism 20` proves that a seed is one history. A way to read it: `run` (from the storm to the verdict),
`swarm` (what may go wrong), `people` (who uses gbike), `town` (where they are, and what phones tell of it), `node`,
`network`, `bus`, `nemesis` (what stands in for machines, and breaks them), `loop` (time and order), `invariants`,
`oracle` and `whereabouts` (what must hold of the stores, of every answer, and of where bikes are), `mutants`, `layers`.

What it does not show: torn files and lost power (databases are in memory; a commit is whole or was not), two versions
side by side, and real sockets.
"""
