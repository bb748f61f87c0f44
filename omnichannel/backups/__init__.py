"""Backups of the database and the received files, and their restoration into an empty place."""
