"""The command line: one file per command, found by its name; files that begin with an underscore are no commands.

A command's file has one function, `command`, whose parameters are its arguments and options; the first line of the
file's docstring is its help. Answers go to stdout, progress and errors to stderr.
"""
