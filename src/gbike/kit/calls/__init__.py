"""Calls from one service to another: deadline, circuit breaker, and the two transports."""
