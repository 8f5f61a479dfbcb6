"""The only package that knows all others: command line, wiring, the shard loop, HTTP API, observability."""
