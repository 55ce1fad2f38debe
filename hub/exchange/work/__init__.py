"""The work of one chunk, for a process that has nothing but it to do. Imports neither the hub's schemas nor its stores."""
