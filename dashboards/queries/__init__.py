"""What a leader's page shows about a region: gathered from figures only, a handful of queries."""

from dashboards.queries.board import board

__all__ = ["board"]
