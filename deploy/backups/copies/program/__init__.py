"""The program that copies the repositories of backups on their LXC host, to where no container can write.

It runs with the standard library alone, and needs nothing else of this project there.
"""
