"""The value types of the configuration: durations, sizes, addresses, origins. Each says what it wants to see."""
