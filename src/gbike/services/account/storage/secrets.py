"""How secrets are kept: as what they hash to."""

import hashlib


def kept(secret: str) -> str:
    """What is kept of a secret that is long enough to be beyond guessing."""
    return hashlib.sha256(secret.encode()).hexdigest()
