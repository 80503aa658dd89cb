"""What the command line and its users call: one function per command."""
