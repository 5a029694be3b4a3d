"""What the event store holds: the domain's events, for tests, benchmarks and examples."""
