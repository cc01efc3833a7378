"""The demo: what a fresh portal shows, made by the same writes that people use."""
