"""Whole stories in files that `tocsin test` plays, and any user can read."""
