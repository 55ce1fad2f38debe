"""People 人员: accounts with password and one-time code, their roles, their browser sessions, what they authorize."""
