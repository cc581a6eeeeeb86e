"""Reads a Terraform configuration without Terraform: its syntax, and what values are known."""
