"""What ``huitong exchange verify`` is made of: the document's variables, a file or a database's table that holds them, the upload, the start."""
