"""Environment in, Terraform root module out."""
