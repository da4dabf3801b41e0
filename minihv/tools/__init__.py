"""What the command line is made of: one module per command, and what they share."""
