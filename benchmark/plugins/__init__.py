"""Models by name, and the contract that they keep."""
