"""Rooms of one house on several machines: see docs/many-machines.md. One machine imports nothing of this."""
