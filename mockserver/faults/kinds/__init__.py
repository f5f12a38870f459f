"""The fault kinds, one file each; the registry finds them by scanning this folder."""
