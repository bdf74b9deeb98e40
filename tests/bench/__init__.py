"""Tests of the benchmarks: a bench that measures a wrong effect measures nothing."""
