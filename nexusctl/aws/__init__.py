"""The boundary to AWS's own API; the only package that imports boto3."""
