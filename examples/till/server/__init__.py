"""What stands behind the till's page: its tickets in PostgreSQL, its API, its commands."""
