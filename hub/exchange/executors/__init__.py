"""Where chunks are worked on: in the hub itself, in processes beside it, or by workers on other machines."""
