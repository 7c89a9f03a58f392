"""Workbooks: looked through, parsed in a child with limits, written for people."""
