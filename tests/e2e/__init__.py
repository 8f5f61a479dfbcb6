"""Tocsin as a whole: real processes, spoken to from outside only."""
