"""A study's report: one document, written as a page, as Markdown or as pictures.

`report/data.py` is all that is known of a study, `sections/` turn it into a document, a file each, and `page.py`,
`markdown.py` and `png.py` write that down: what one of them says, all say.
"""
