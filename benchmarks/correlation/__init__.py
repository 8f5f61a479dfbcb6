"""How good correlation is, measured on streams of alerts of which it is known what belongs together."""
