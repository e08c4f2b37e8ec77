"""A simulated exchanger that runs the PremiumExchanger script: its user API v1, written from the document."""
