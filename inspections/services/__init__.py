"""Acts of an assessment: planning, freezing, drawing, surveying, deciding cases."""
