"""What operators are given to know and to try a tool: its guide, its samples, and what a body comes to."""
