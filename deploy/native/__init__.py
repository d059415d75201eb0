"""The native runner: Heliograph on one machine without containers, on private PostgreSQL and RabbitMQ under `.heliograph/`.

Owns the life of those processes and the files they need. Uses only the standard library, since it makes the virtual environment.
Never touches the system's own servers. Run as `python3 -m deploy.native up`; what each file holds: `layout.py`.
"""
