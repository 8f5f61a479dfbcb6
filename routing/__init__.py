"""Incidents to tickets: catalogue, priority, routes and templates. Pure."""
