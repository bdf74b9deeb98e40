"""Events between services: outbox, log, inbox, and what is set aside."""
