"""What the Makefile's targets run beside pyinfra itself; each module is a program: `python -m deploy.commands.NAME`."""
