"""Clinical criteria that follow from several targets: who meets them, and how well that is predicted."""
