"""The call log: columns of stays, generated or recorded, and the six views of it. Nothing of requests or HTTP."""
