"""The stand-alone verifier: proves receipts, checkpoints, exports, archives and manifests of a hub without any of the hub's code.

Needs Python 3.11 and the package ``cryptography``, nothing else. The formats stand in ``docs/ledger.md`` and ``docs/verify.md``.
"""
