"""Tocsin while its processes and services die under it."""
