"""What changed rules would have made of recorded traffic, beside what today's rules make of it."""
