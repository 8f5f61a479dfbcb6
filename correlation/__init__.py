"""Alerts to incidents to problems."""
