"""The tidelog format, version 1, as docs/FORMAT.md says it and nothing else does.

One module for each noun of that document. Nothing here writes, and nothing
here may be taken from the engine: see ../README.md.
"""
