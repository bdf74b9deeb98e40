"""SQLite behind the store and bus ports: one file per service, write-ahead log, synchronous=FULL, group commit."""
