"""Floor 3: the life of a workspace."""
