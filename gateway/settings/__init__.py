"""The configuration: its shape, how it is read, and every problem in it at once."""
