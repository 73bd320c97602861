"""Where Claude works: a slot (a user and its processes), a workspace (the folders of one task), nothing else."""
