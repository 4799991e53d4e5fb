"""Floor 1: what the operating system gives, one fact a module, standard library only."""
