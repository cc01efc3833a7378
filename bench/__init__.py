"""Measurements of a real portal in processes; never part of the tests."""
