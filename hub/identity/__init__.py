"""Credentials of applications, signing keys, and what may be used once: the hub's side of OAuth."""
