"""How fast this program is, against the plain way and against the machine's own limit, side by side in one run.

``measure.measure()`` does it all and ``table.text()`` shows it. Nothing is imported here, so that a contender's
process holds what the contender needs and no more.
"""
