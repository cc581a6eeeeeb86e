"""The boundary to Terraform: which engine, how it is run, what it says."""
