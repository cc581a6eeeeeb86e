"""nexusctl: the Keystone Nexus database stack as code."""

__version__ = "0.1.0"
