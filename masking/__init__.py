"""Masking 脱敏: what an item's value becomes before it leaves. Knows values and rules; nothing of HTTP, sessions or users."""
