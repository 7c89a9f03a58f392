"""The three letters: prepared by the day, confirmed by a person, received, answered."""
