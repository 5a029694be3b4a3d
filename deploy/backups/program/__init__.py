"""The program `event-store-backups` of a repository's container, which the timers and the operator's commands run; and of a copy's.

It is copied there as it is. So it needs Python's own library and nothing else, of the oldest release that is supported.
"""
