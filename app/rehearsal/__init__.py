"""Tocsin without the outside: the real handlers over memory, in a time that is only told. Tests of rules play in it."""
