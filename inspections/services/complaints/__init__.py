"""Complaints: received, passed on, answered; who complained stays with whoever received it."""
