"""An offline stand-in for the Anthropic Messages API: rules instead of a model."""
