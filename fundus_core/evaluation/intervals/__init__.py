"""How sure a number is: estimates, draws of people, intervals, and tests of differences."""
