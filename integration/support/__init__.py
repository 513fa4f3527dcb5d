"""What the scenarios share: the server under test, networks of their own, and clients of every kind."""
