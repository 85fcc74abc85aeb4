"""Schedules: which runs are due, each made once, caught up once, or told to be missed."""
