"""One pure parser a tool: a webhook's body in, alerts out."""
