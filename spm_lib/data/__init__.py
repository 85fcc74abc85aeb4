"""Data: the canonical tables, the gate, the store and its history."""
