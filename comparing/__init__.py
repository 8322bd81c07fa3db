"""How good results are, and how two of them differ."""
