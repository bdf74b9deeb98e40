"""Real processes that die and real outages: what the simulator can't show, shown on the running product."""
