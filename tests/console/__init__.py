"""The console: its page and headers, its build, and what a real browser does with it."""
