"""The bitexbit gateway API. Holds its words; nothing outside this folder knows them."""
