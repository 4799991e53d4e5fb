"""What the pytest plugin is made of: `scratchwork.pytest_plugin` is its face, and loads this only where it is used."""
