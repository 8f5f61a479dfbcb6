"""Alerts to incidents: pure decisions with named verdicts, and the handler that makes them in a shard."""
