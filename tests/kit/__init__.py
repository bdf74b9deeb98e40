"""The floor: one suite per port, a subclass per engine, and the parts that every service shares."""
