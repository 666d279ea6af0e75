"""Sites put together: each estimate over cohorts that nobody has to move."""
