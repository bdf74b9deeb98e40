"""A service's own database: group commit, idempotency keys, retention, migrations."""
