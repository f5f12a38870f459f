"""`make bench`: the cost of a request and of a start, relative to a minimal Flask app in the same run."""
