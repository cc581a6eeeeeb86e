"""The policies of Keystone Nexus. checkov loads a folder only when it has this file."""
