"""Made-up portfolios, for the demo, tests and benchmarks: `portfolio` generates events, `batches` cuts them into appends."""
