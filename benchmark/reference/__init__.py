"""Reference results: scores of every method on the public sets, and what stands beside them."""
