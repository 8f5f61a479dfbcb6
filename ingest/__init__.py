"""Webhooks in, alerts out."""
