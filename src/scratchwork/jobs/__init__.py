"""Floor 4: running a program in a workspace."""
