"""Real servers from wheels, for a machine that has Python and nothing else.

Imports nothing of Django: settings are made from what this package writes to DATA_DIR.
"""
