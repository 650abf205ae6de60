"""What a report says, one section a file.

A section is a function `section(material)` that returns a `Section`, or None where it has nothing to say.
"""
