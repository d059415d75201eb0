"""Heliograph in containers: what docker-compose.yml needs besides the tree, and the order in which `make up` calls it.

Owns `.heliograph/compose/`. Uses only the standard library: a machine that has Docker needs no Python packages. The parts of the
configuration that hold no secret stand here as files, for an operator to edit.
"""
