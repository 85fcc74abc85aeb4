"""Coaching: what each rep should work on, how sure that is, and what it would be worth."""
