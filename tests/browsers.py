"""The Chromium that browser tests, screenshots and benchmarks use."""

import shutil

# The headless shell of Debian needs half the processor time of full Chromium and renders the same pages.
BROWSER_COMMANDS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM_PATH = next(filter(None, map(shutil.which, BROWSER_COMMANDS)), "chromium")
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
