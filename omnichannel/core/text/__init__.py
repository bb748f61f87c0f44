"""Texts in all scripts: words for the search, single lines, WhatsApp's formatting marks, numbers and placeholders."""
