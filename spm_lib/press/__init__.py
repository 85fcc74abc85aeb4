"""The press: runs notebooks, and renders, shelves and lists what they made. It computes no figure itself."""
