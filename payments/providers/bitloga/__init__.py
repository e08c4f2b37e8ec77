"""The bitloga merchant API (document of 07.02.2026). Holds its words; nothing outside this folder knows
them.
"""
