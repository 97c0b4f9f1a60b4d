"""Ways to sign in. A provider says whose credentials these are; it knows nothing of pages, cookies or requests."""
