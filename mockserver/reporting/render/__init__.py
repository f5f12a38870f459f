"""The forms of a report: text, JSON, JUnit XML and one HTML page, each made from the model alone.

What clients sent is cut and freed from control characters before it is shown anywhere.
"""
