"""What the hub tells of itself in numbers: counted as plain integers where work is done, read when somebody asks."""
