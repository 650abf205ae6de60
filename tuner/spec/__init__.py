"""What was asked: a study's specification as a file, its schema, its template, and what is given beside it."""
