"""File objects that clean up after themselves, and can be told to stay."""
