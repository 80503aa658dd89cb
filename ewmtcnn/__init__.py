"""The emotion wheel and the network built on it."""
