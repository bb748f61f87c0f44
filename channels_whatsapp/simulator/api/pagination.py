"""Paginate lists as Twilio does: newest first, by page token; the last page has no next."""

from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from channels_whatsapp.simulator.api.errors import TwilioApiError

ModelT = TypeVar("ModelT", bound=Model)

MAX_PAGE_SIZE = 1000
PAGE_TOKEN_PREFIX = "PA"  # noqa: S105 (a page's token)


@dataclass(frozen=True)
class Page:
    """A page and its links, each a query string; `next` is None on the last page."""

    items: list[Any]
    number: int
    size: int
    query: str
    first: str
    next: str | None


def _parse_int(text: str, default: int) -> int:
    return int(text) if text.isdecimal() else default


def get_page(request: HttpRequest, rows: "QuerySet[ModelT]", *, default_size: int = 50) -> Page:
    """Return the requested page of the rows. The page token is the SID of the last row before it."""
    size = min(max(_parse_int(request.GET.get("PageSize", ""), default_size), 1), MAX_PAGE_SIZE)
    number = _parse_int(request.GET.get("Page", ""), 0)
    token = request.GET.get("PageToken", "")
    remaining = rows.order_by("-pk")
    if token:
        last = rows.filter(sid=token.removeprefix(PAGE_TOKEN_PREFIX)).first()
        if last is None:
            raise TwilioApiError(20001, detail="Invalid page token")
        remaining = remaining.filter(pk__lt=last.pk)
    fetched = list(remaining[: size + 1])  # one more than the page shows whether there is a next one
    items = fetched[:size]
    next_params = None
    if len(fetched) > size:
        next_params = {"Page": str(number + 1), "PageToken": PAGE_TOKEN_PREFIX + items[-1].sid}  # type: ignore[attr-defined]
    return Page(
        items=items,
        number=number,
        size=size,
        query=request.GET.urlencode(),
        first=_build_query(request, size, {"Page": "0"}),
        next=_build_query(request, size, next_params) if next_params else None,
    )


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
        "previous_page_uri": None,
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
        "previous_page_url": None,
        "next_page_url": f"{url}?{page.next}" if page.next else None,
        "url": f"{url}?{page.query}" if page.query else url,
    }
    return {key: items, "meta": meta}
