"""Runs the stack on this machine without containers: for the demo, for `scripts/up`, for tests and benchmarks."""
