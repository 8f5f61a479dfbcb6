"""Real servers for the tests: installing, starting and killing them."""
