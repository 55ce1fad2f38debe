"""From a person or a record to every call, exchange and download that carried it."""
