"""Create what exists on Twilio's side: accounts, senders, customers and templates."""

from typing import Any

from channels_whatsapp.simulator.addresses import WHATSAPP_PREFIX, add_whatsapp_prefix
from channels_whatsapp.simulator.models import Account, Content, Customer, Sender, new_account_sid, new_secret


def create_account(name: str, sid: str | None = None, token: str | None = None, linked_portfolios: str = "") -> Account:
    """Create a Twilio account; SID and token are random unless given."""
    return Account.objects.create(
        friendly_name=name,
        sid=sid or new_account_sid(),
        auth_token=token or new_secret(),
        linked_portfolios=linked_portfolios,
    )


def create_sender(
    account: Account, number: str, name: str, callback_url: str = "", status_callback_url: str = ""
) -> Sender:
    """Register a number with WhatsApp, with the webhook URLs set in the console."""
    return Sender.objects.create(
        account=account,
        number=number.removeprefix(WHATSAPP_PREFIX),
        name=name,
        callback_url=callback_url,
        status_callback_url=status_callback_url,
    )


def create_customer(name: str, address: str, external_user_id: str = "", username: str = "") -> Customer:
    """Create a customer with a phone.

    Args:
        address: A number or a business-scoped id, with or without `whatsapp:`.
        external_user_id: A business-scoped id for all accounts; without it each account gets one of its own.
    """
    return Customer.objects.create(
        name=name,
        address=add_whatsapp_prefix(address),
        external_user_id=add_whatsapp_prefix(external_user_id),
        username=username,
    )


def create_content(account: Account, name: str, types: dict[str, Any], **fields: Any) -> Content:
    """Create a template; it is approved unless `approval` says otherwise."""
    return Content.objects.create(account=account, friendly_name=name, types=types, **fields)
