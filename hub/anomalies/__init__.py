"""Anomalies of use (LOG-07): each application is compared with its own history; an alert, and by policy a throttle."""
