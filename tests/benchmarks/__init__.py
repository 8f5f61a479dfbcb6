"""The benchmark measures honestly: its generator, its works and its sink."""
