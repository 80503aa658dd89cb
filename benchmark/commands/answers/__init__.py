"""What the functions of `benchmark` return: objects that show, save and tabulate themselves."""
