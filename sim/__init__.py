"""The outside world, offline. Imports nothing of the project."""
