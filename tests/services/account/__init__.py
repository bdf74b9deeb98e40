"""Account: signing up, getting in, staying in, and being forgotten."""
