"""The user API v1 of exchangers that run the PremiumExchanger script. Holds its words; nothing outside this
folder knows them.
"""
