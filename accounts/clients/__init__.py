"""Administration of the systems that call the API."""
