"""Cohorts side by side: who they are, how their errors and predictions differ, what others have published."""
