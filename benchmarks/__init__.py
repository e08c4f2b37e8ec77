"""What `make bench` measures: ratios against a peer in one interleaved run. Nothing here is a test."""
