"""The control database: catalog versions, applications, grants, ledger, exchange jobs. SQLite when embedded; any SQLAlchemy database otherwise."""
