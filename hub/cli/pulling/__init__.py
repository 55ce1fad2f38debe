"""What ``huitong exchange pull`` is made of: a patient client, the manifest, files that go on where they ended, and what is told meanwhile."""
