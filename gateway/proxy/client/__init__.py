"""The client's side: connections are counted and timed, heads and bodies are read strictly, before any lane sees them."""
