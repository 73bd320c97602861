"""What stands in whatever it writes for people."""

HONESTLY = "No model wrote this: not-anthropic, a simulator, made it by rules."
