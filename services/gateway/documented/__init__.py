"""The documented surface: its 46 operations as data, and the pages that describe them.

Owns what an operation is called, takes and answers. Never parses, routes or asks a service: formats/ and handlers do.
"""
