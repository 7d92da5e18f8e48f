"""`python -m demo`: the real server, driven like an editor would, on a copy of the example project."""
