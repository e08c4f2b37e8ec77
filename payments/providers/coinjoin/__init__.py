"""The coinjoin API of BTC batch payouts. Holds its words; nothing outside this folder knows them."""
