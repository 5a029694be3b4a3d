"""Checks of what is deployed: `make verify INVENTORY=…`. They change nothing, so they may be run in production.

Whatever they write is rolled back. What a run leaves behind: attempts that were refused, in the server's log, and the
sequence of positions, which is further by the events that were appended and rolled back.
"""
