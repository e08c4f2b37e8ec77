"""The providers, simulated, for the demo and for tests. Holds and imports nothing of the product."""
