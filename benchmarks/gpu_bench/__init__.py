"""What `gpu_speed.py` is made of."""
