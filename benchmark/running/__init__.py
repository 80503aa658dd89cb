"""Computes what a plan lists, and stores the results."""
