"""State stores: SQLite in the process itself, Redis for scale-out."""
