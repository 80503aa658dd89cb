"""Backbones: facts, building, weights, and the libraries that run them."""
