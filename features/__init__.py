"""From images to feature matrices, and the safe files they are kept in."""
