"""Text as data: found and read, cleaned, split by document, tokenised once, and memory-mapped."""
