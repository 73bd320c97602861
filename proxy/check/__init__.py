"""`python -m proxy check PROVIDER`: what of a provider would serve Claude Code, and what a tier would miss."""
