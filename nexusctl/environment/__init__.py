"""Environment files: YAML in, a validated `Environment` out, with the origin of every value."""
