"""The nouns as text and JSON. Knows no other package's insides and prints nothing."""
