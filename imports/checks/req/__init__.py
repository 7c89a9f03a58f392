"""Rules on what must not be blank. Missing is told and written as missing, never taken as met."""
