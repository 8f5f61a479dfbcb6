"""The delivery shard: makes each ticket in a tool show what it should."""
