"""The painter: anonymous memories out of noise and light, one file per family of pictures. Start at ../paint.py."""
