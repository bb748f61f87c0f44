"""Pages of a list, newest first, as Twilio hands them out: the last one has no next."""

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
    """One page, and the addresses of its neighbours (each a query string; None where there is none)."""

    items: list[Any]
    number: int
    size: int
    query: str
    first: str
    next: str | None


def _parse_int(text: str, default: int) -> int:
    return int(text) if text.isdecimal() else default


def get_page(request: HttpRequest, rows: "QuerySet[ModelT]", *, default_size: int = 50) -> Page:
    """The page of `rows` that the request asks for. The page token is the SID of the last row before it."""
    size = min(max(_parse_int(request.GET.get("PageSize", ""), default_size), 1), MAX_PAGE_SIZE)
    number = _parse_int(request.GET.get("Page", ""), 0)
    token = request.GET.get("PageToken", "")
    later = rows.order_by("-pk")
    if token:
        last = rows.filter(sid=token.removeprefix(PAGE_TOKEN_PREFIX)).first()
        if last is None:
            raise TwilioApiError(20001, detail="Invalid page token")
        later = later.filter(pk__lt=last.pk)
    found = list(later[: size + 1])
    items = found[:size]
    following = {"Page": str(number + 1), "PageToken": PAGE_TOKEN_PREFIX + items[-1].sid} if len(found) > size else None  # type: ignore[attr-defined]
    return Page(
        items=items,
        number=number,
        size=size,
        query=request.GET.urlencode(),
        first=_build_query(request, size, {"Page": "0"}),
        next=_build_query(request, size, following) if following else None,
    )


def _build_query(request: HttpRequest, size: int, place: dict[str, str]) -> str:
    kept = [(name, value) for name, value in request.GET.items() if name not in {"Page", "PageToken", "PageSize"}]
    return urlencode([*kept, ("PageSize", str(size)), *place.items()])


def build_2010_envelope(path: str, key: str, page: Page, items: list[dict[str, Any]]) -> dict[str, Any]:
    """A page as the 2010 API wraps it: addresses without a host."""
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
    """A page as the newer APIs wrap it: whole addresses, under `meta`."""
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
