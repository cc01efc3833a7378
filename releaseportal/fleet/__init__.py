"""The simulated point-of-sale fleet: an ordinary client of the portal's public endpoints."""
