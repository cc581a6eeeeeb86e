"""Plan → what it does to the stack: impact, and what is protected from it."""
