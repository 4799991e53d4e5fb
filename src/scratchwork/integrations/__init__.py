"""Scratch space in other people's libraries: one module for each, which needs that library and says so."""
