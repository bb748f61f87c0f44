"""Connections: requests that come in, addresses of clients, and requests that go out."""
