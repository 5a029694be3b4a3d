"""Settings of the client's tests."""

from hypothesis import HealthCheck, settings

# Neither a deadline for an example nor one for making it: a busy machine, or one whose table of characters is not made yet,
# is no defect of the code.
settings.register_profile("client", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("client")
