"""The commands of `twofold`, by what they are about; each module adds its own to the program."""
