"""The hub with a city-sized catalog: how long, how much, and whether anybody waits. ``make scale`` writes docs/evidence/scale.md."""
