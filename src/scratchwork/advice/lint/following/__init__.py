"""Following a function's source: what its values are, and what happens to temporary files, on each path through it.

`flow.py` is one point of a function, `statements.py` moves it along, `expressions.py` and `calls.py` say what happens;
`events.py` is what the rules get to see.
"""
