"""Bitloga, simulated from its merchant API document of 07.02.2026. Holds only what is bitloga's own."""
