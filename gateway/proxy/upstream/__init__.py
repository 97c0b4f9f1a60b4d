"""The upstream's side: bounded pools of connections, one exchange at a time on each, responses read strictly."""
