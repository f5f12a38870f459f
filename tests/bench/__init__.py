"""`make bench`: what a request and a start cost, as ratios against a bare Flask hello in the same run."""
