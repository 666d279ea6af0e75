"""The command line, a verb per file: what may be asked, the call, and what is told."""
