"""The project's own pyinfra operations: each reads a fact, then does nothing or yields the commands that mend what differs.

A plan only asks an operation for its first command. So an operation reports everything that differs before it yields.
"""

from collections.abc import Generator

from pyinfra.api.command import FileUploadCommand, StringCommand

#: What an operation is: commands, worked out as they are asked for.
Commands = Generator[StringCommand | FileUploadCommand | str, None, None]
