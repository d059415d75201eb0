"""The wire of the documented surface: paths, bodies and answers in JSON, XML and form encoding.

Plain functions from bytes to values and back, driven by documented/. Never does I/O and knows no web framework.
"""
