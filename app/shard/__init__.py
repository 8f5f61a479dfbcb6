"""The shard loop: one short function around two kinds of pure handlers."""
