"""Files of strangers: what their tables hold, read in a process of its own."""
