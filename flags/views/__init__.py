"""Pages of flags, the people and places they are for, and tokens."""
