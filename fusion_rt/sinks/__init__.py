"""Where fused pictures go: window, video file, still pictures, nowhere."""
