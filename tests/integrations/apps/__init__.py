"""Applications that the tests and the benchmark talk to, one for each framework.

POST /upload takes a form with one file and tells what came; with `?to=PATH` it is published there. GET /state tells
which process answers and what it holds in memory. POST /nowhere reads what comes, and keeps nothing.
"""
