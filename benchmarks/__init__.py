"""How fast scratchwork is, beside what it is measured against: `python -m benchmarks`, or `make bench`.

Everything is timed in one run, the candidates in turn (A B C A B C ...), so that what slows the machine down for a
while slows all of them, and the ratios stand. Medians of `perf_counter`: pyperf, whose figures are better for one
candidate alone, times one after the other and can't take turns.
"""
