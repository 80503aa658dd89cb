"""The public image sets: where they are, how they lie on disk, how they are read."""
