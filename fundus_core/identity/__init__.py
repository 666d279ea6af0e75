"""Who and which eye: one answer for the whole house."""
