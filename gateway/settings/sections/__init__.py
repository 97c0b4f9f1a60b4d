"""The sections of the configuration file: one file each, called as the section is."""
