"""From another gateway's configuration to ours: one file for each, and what they share. Whatever would open more than before stays closed."""
