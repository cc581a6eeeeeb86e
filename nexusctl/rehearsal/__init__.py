"""A real PostgreSQL and a real pooler on this machine, under the storm of an environment."""
