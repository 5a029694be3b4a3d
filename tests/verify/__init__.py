"""Checks of what is deployed: `make verify INVENTORY=…`. They change nothing, so they may be run in production."""
