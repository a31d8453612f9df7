"""Live cameras: kept running, watched, paired as they come."""
