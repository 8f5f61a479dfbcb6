"""Brokers: SQLite in the process itself, RabbitMQ for scale-out."""
