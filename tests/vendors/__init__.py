"""What vendors publish of their interfaces, to hold our stand-ins against."""
