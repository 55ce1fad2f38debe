"""Old parts of the log written out, proven to be whole, and then removed from the control database."""
