"""The public language of Heliograph: commands, queries and events, one file an owner. See docs/reference/events.md."""
