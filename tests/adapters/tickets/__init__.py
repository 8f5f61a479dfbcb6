"""Each ticketing tool, held to the contract of them all."""
