"""The REST API's part for releases and rollouts (contracts §2)."""
