#!/usr/bin/env python
"""Django's command line for Omnichannel."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnichannel.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting is missing or malformed: the sentence says all there is to say
        sys.exit(f"Omnichannel can't start: {error}")
