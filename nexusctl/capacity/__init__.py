"""The connection budget of an environment: what its peak asks for, and what the database has."""
