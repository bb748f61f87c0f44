"""Storage of collected static files."""

from datetime import datetime

from whitenoise.storage import CompressedManifestStaticFilesStorage


class AlwaysCopyStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Compressed files under names that change with their content, collected anew at every start.

    `collectstatic` leaves a file alone when the collected copy is not older than the source. Files unpacked from an
    archive, an image or a package keep their old dates, so after an upgrade the old copy would stay.
    """

    def get_modified_time(self, name: str) -> datetime:
        """Raise NotImplementedError, which makes `collectstatic` copy the file."""
        raise NotImplementedError
