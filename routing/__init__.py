"""Incidents to tickets: priority, team, SLA, destinations."""
