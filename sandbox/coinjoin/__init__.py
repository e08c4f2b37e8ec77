"""The simulated CoinJoin, written from its document."""
