"""What is likely to happen, learned from the company's own past, and how far that can be trusted."""
