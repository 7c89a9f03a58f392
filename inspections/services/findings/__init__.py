"""The way of a problem from being found to being closed, and looks at it afterwards."""
