"""Delivery: the right report to the right person once, or a loud reason why not."""
