"""Values, tables and HTML as text, and texts without the secrets in them."""
