"""Settings of all unit tests."""

from hypothesis import settings

# No deadline for a single example: a busy machine is no defect of the code.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
