"""What prove.py is made of: trials in pairs, and what may be claimed of them."""
