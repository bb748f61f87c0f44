"""Template tags for the style sheets and scripts of a page."""

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from omnichannel.desk.shared import asset_bundles

register = template.Library()


@register.simple_tag
def stylesheet_link(kind: str) -> SafeString:
    """Return the link to the style sheets of this kind of page."""
    return format_html(
        '<link rel="stylesheet" href="{}">',
        reverse("styles", args=[asset_bundles.get_stylesheet_bundle(kind).version, kind]),
    )


@register.simple_tag
def script_tag(kind: str) -> SafeString:
    """Return the script tag of this kind of page, in the page's language."""
    language = get_language() or "en"
    version = asset_bundles.get_script_bundle(kind, language).version
    return format_html('<script src="{}" defer></script>', reverse("scripts", args=[version, kind, language]))
