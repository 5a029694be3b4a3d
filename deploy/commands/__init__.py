"""The operators' program, `event-store`; `python -m deploy.commands` is the same. Each command is a module."""
