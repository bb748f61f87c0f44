"""Paginate lists as Twilio does: newest first, by page token; the last page has no next."""

from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from channels_whatsapp.simulator.api.errors import TwilioApiError

ModelT = TypeVar("ModelT", bound=Model)

MAX_PAGE_SIZE = 1000
# Prefixes of page tokens: the SID of the row before the page, or of the row after it.
NEXT_TOKEN_PREFIX, PREVIOUS_TOKEN_PREFIX = "PA", "PB"


@dataclass(frozen=True)
class Page:
    """A page and its links, each a query string; `previous` is None on the first page, `next` on the last."""

    items: list[Any]
    number: int
    size: int
    query: str
    first: str
    previous: str | None
    next: str | None


def _parse_int(text: str, default: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else default


def get_page(request: HttpRequest, rows: "QuerySet[ModelT]", *, default_size: int = 50) -> Page:
    """Return the requested page of the rows."""
    size = min(max(_parse_int(request.GET.get("PageSize", ""), default_size), 1), MAX_PAGE_SIZE)
    number = _parse_int(request.GET.get("Page", ""), 0)
    items = _fetch_items(rows, request.GET.get("PageToken", ""), size)
    sids = [item.sid for item in items]
    has_next = bool(items) and rows.filter(pk__lt=items[-1].pk).exists()
    has_previous = bool(items) and rows.filter(pk__gt=items[0].pk).exists()
    next_params = {"Page": str(number + 1), "PageToken": f"{NEXT_TOKEN_PREFIX}{sids[-1]}"} if has_next else None
    previous_params = (
        {"Page": str(max(number - 1, 0)), "PageToken": f"{PREVIOUS_TOKEN_PREFIX}{sids[0]}"} if has_previous else None
    )
    return Page(
        items=items,
        number=number,
        size=size,
        query=request.GET.urlencode(),
        first=_build_query(request, size, {"Page": "0"}),
        previous=_build_query(request, size, previous_params) if previous_params else None,
        next=_build_query(request, size, next_params) if next_params else None,
    )


def _fetch_items(rows: "QuerySet[ModelT]", token: str, size: int) -> list[Any]:
    """Return the rows that the token names, newest first."""
    if not token:
        return list(rows.order_by("-pk")[:size])
    row = rows.filter(sid=token[len(NEXT_TOKEN_PREFIX) :]).first()
    if row is None:
        raise TwilioApiError(20001, detail="Invalid page token")
    if token.startswith(PREVIOUS_TOKEN_PREFIX):
        return list(rows.filter(pk__gt=row.pk).order_by("pk")[:size])[::-1]
    return list(rows.filter(pk__lt=row.pk).order_by("-pk")[:size])


def _build_query(request: HttpRequest, size: int, page_params: dict[str, str]) -> str:
    filters = [(name, value) for name, value in request.GET.items() if name not in {"Page", "PageToken", "PageSize"}]
    return urlencode([*filters, ("PageSize", str(size)), *page_params.items()])


def build_2010_envelope(path: str, key: str, page: Page, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Wrap a page as the 2010 API does, with links without a host."""
    start = page.number * page.size
    return {
        key: items,
        "first_page_uri": f"{path}?{page.first}",
        "next_page_uri": f"{path}?{page.next}" if page.next else None,
        "previous_page_uri": f"{path}?{page.previous}" if page.previous else None,
        "page": page.number,
        "page_size": page.size,
        "start": start,
        "end": start + max(len(items) - 1, 0),
        "uri": f"{path}?{page.query}" if page.query else path,
    }


def build_meta_envelope(url: str, key: str, page: Page, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Wrap a page as the newer APIs do, with full URLs under `meta`."""
    meta = {
        "key": key,
        "page": page.number,
        "page_size": page.size,
        "first_page_url": f"{url}?{page.first}",
        "previous_page_url": f"{url}?{page.previous}" if page.previous else None,
        "next_page_url": f"{url}?{page.next}" if page.next else None,
        "url": f"{url}?{page.query}" if page.query else url,
    }
    return {key: items, "meta": meta}
