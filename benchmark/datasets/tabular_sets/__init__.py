"""The public tabular sets: their catalogue, where they are, how they are read and fetched."""
