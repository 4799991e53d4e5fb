"""Floor 4: what is wrong, and how to mend it."""
