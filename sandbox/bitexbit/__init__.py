"""The simulated bitexbit gateway, written from its document."""
