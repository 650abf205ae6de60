"""What was asked: a study's specification as a file."""
