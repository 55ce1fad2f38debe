"""The file that Locust reads: callers and the events around a run. ``locust --list`` names the callers."""

from loadtests.scenarios.run import register
from loadtests.scenarios.users import Exchange, List, LookUp, MixedDay, Nested, Refusals, Verify

__all__ = ["Exchange", "List", "LookUp", "MixedDay", "Nested", "Refusals", "Verify"]

register()
