"""Style sheets and scripts, kept by browsers for good: a change has another address."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from omnichannel.desk.shared import asset_bundles
from omnichannel.desk.shared.asset_bundles import Bundle

IMMUTABLE_CACHE_CONTROL = "public, max-age=31536000, immutable"


@require_safe
def styles(request: HttpRequest, version: str, kind: str) -> HttpResponse:
    """The style sheets of one kind of page."""
    if kind not in asset_bundles.STYLESHEETS:
        raise Http404("No such style sheet.")
    return _bundle_response(request, asset_bundles.get_stylesheet_bundle(kind), version, "text/css; charset=utf-8")


@require_safe
def scripts(request: HttpRequest, version: str, kind: str, language: str) -> HttpResponse:
    """The scripts of one kind of page in one language."""
    if kind not in asset_bundles.SCRIPTS or language not in dict(settings.LANGUAGES):
        raise Http404("No such script.")
    return _bundle_response(
        request, asset_bundles.get_script_bundle(kind, language), version, "text/javascript; charset=utf-8"
    )


def _bundle_response(request: HttpRequest, bundle: Bundle, version: str, content_type: str) -> HttpResponse:
    compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(bundle.gzipped if compressed else bundle.content, content_type=content_type)
    if compressed:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    # Another version is asked for while an update is under way: it gets ours, and must not keep it.
    response["Cache-Control"] = IMMUTABLE_CACHE_CONTROL if version == bundle.version else "no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    return response
