"""Every pair of commands on a real PostgreSQL, statement by statement, through every order."""
