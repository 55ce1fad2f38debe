"""Load scenarios for Locust against any running hub: ``locust`` or ``make load`` in the checkout; docs/load-testing.md tells how.

Modules that import Locust patch the interpreter (gevent): ``users``, ``shapes``, ``options``, ``run`` and ``locustfile``. The others import none of it.
"""
