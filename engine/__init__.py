"""A memory that dreams: words in, light and sound out. Start reading at loop.py."""
