"""The built-in data, drawn with a known truth."""
