"""Who may do what: principals, the rule of every operation, tokens and their keys, and how often one may ask."""
