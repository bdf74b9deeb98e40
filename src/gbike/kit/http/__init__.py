"""HTTP as every service speaks it: the original's HAL, problem details for every refusal, one table of operations."""
