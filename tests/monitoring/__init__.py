"""Monitoring systems: a real Prometheus, and what it scrapes."""
