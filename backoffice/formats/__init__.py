"""How Django itself writes dates, by language: as the rest of the house does. Amounts are kit.html's."""
