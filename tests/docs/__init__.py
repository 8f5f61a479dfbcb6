"""What is written is run: commands, configurations, names and links in the pages of this repository."""
