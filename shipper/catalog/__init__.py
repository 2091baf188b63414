"""Catalogs for readers: declarations from TOML and manifests, and how they are enforced on events that arrive.

What an author declares in Python is made in `shipper.recording`; here the same is read from files.
"""
