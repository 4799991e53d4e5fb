"""Floor 5: how people look at it."""
