"""Tables, and how they are written for terminal, Markdown and LaTeX."""
