"""The tests. They mirror the source; what drives the whole system stands in browser/, races/ and wire/."""
