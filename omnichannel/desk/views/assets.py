"""Style sheets and scripts, which browsers cache permanently: a changed bundle has another URL."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from omnichannel.desk.shared import asset_bundles
from omnichannel.desk.shared.asset_bundles import Bundle

IMMUTABLE_CACHE_CONTROL = "public, max-age=31536000, immutable"


@require_safe
def styles(request: HttpRequest, version: str, kind: str) -> HttpResponse:
    """Return the style sheets of one kind of page."""
    if kind not in asset_bundles.STYLESHEETS:
        raise Http404("No such style sheet.")
    return _bundle_response(request, asset_bundles.get_stylesheet_bundle(kind), version, "text/css; charset=utf-8")


@require_safe
def scripts(request: HttpRequest, version: str, kind: str, language: str) -> HttpResponse:
    """Return the scripts of one kind of page in one language."""
    if kind not in asset_bundles.SCRIPTS or language not in dict(settings.LANGUAGES):
        raise Http404("No such script.")
    return _bundle_response(
        request, asset_bundles.get_script_bundle(kind, language), version, "text/javascript; charset=utf-8"
    )


def _bundle_response(request: HttpRequest, bundle: Bundle, version: str, content_type: str) -> HttpResponse:
    accepts_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(bundle.gzipped if accepts_gzip else bundle.content, content_type=content_type)
    if accepts_gzip:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    # During a deployment a page may request another version: it gets ours, and must not cache it.
    response["Cache-Control"] = IMMUTABLE_CACHE_CONTROL if version == bundle.version else "no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    return response
