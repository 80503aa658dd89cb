"""Files and arrays on disk: complete or absent, and verified when they are read."""
