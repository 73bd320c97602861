"""`bench/gateway`: the model proxy beside nginx, LiteLLM and claude-code-router."""
