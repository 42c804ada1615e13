# Python by way of a shell, as for knobs.
exec python3 wide.py
