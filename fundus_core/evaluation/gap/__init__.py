"""What errors go with: the gap and other columns, who is missing, the error of the reference itself."""
