"""The fusion network, its losses, its training and its export; all but `errors` needs torch."""
