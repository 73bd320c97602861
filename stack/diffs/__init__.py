"""What `stack/diff.py` is made of: values, git's text, and what must be shown beside git's own diff."""
