"""Stand-ins for the servers of others, with their traps."""
