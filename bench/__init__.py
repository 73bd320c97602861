"""Measurements. Each prints its figures and exits 1 where one misses its limit. Not part of the tests."""
