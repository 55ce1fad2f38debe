"""``make bench``: the hub, its peers and two hand-written limits over the same million persons, on one CPU, by turns; ``python -m loadtests.comparison``."""
