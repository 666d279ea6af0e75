"""What is scored: from a row per photograph to one observation per person, eye or photograph."""
