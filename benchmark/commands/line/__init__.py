"""The command line, a file for commands that belong together; each calls one function."""
