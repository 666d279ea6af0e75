"""One cohort: errors, agreement, calibration, baselines, subgroups, and its models side by side."""
