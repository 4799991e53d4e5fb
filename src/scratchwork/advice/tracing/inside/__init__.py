"""The folder that the tracer puts first on PYTHONPATH: a Python that finds `sitecustomize` in it begins to record."""
