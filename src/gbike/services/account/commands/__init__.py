"""One function per sentence of the requirements, each run inside a transaction. Passwords are hashed before it."""
