"""The embedded AWS: a moto server that is kept running between commands."""
