"""`make bench`: what requests, a start and cold questions cost, side by side in one run."""
