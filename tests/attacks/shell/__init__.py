"""What a code-writer's shell is after, tried inside of a slot."""
