"""Git and GitHub for everybody else: mirrors, posts. Alone holds the GitHub token; no model inside."""
