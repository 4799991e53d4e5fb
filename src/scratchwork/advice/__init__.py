"""Floor 4: what is wrong, and how to mend it; what a program leaves, and where in its code."""
