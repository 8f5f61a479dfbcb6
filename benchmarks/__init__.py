"""The load generator, its works and sink, and the runs that write `docs/performance.md`."""
