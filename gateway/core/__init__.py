"""The pure core: facts in, a decision out. No I/O, no clock, no dice, no logging, no framework."""
