"""Business-scoped user ids: WhatsApp gives each business another id of the same person.

An id is a country code and up to 128 letters and digits, such as US.13491208655302741918. Linked businesses also get
a common parent id, with ENT after the country code. Twilio sends them as `ExternalUserId` and `ParentExternalUserId`.
"""

import re
import secrets

import phonenumbers

from channels_whatsapp.simulator.addresses import WHATSAPP_PREFIX
from channels_whatsapp.simulator.models import Account, BusinessScopedId, Customer

DIGITS = 16
DEFAULT_COUNTRY = "US"
COUNTRY_PATTERN = re.compile(r"\A[A-Z]{2}\Z")


def get_user_id(customer: Customer, account: Account) -> str:
    """Return the customer's id for this account, with `whatsapp:`; create it at the first call."""
    return customer.external_user_id or _get_or_create_id(customer, account.sid, infix="")


def get_parent_user_id(customer: Customer, account: Account) -> str:
    """Return the customer's id for all accounts of the same linked portfolios; "" for an account without any."""
    if not account.linked_portfolios:
        return ""
    return _get_or_create_id(customer, f"portfolios {account.linked_portfolios}", infix="ENT.")


def get_address(customer: Customer, account: Account) -> str:
    """Return the address that this account sees: the number if it is visible, otherwise the id."""
    return customer.address if customer.has_visible_number else get_user_id(customer, account)


def is_known_address(address: str, customer: Customer, account: Account) -> bool:
    """Return whether this account can reach the customer by this number or id: ids of other accounts mean nothing."""
    addresses = (get_address(customer, account), get_user_id(customer, account), get_parent_user_id(customer, account))
    return address in addresses


def _get_or_create_id(customer: Customer, scope: str, infix: str) -> str:
    row = customer.business_scoped_ids.filter(scope=scope).first()
    if row is None:
        value = _choose_value(customer, infix)
        row, _ = BusinessScopedId.objects.get_or_create(customer=customer, scope=scope, defaults={"value": value})
    return row.value


def _choose_value(customer: Customer, infix: str) -> str:
    """Return the id by which the customer was created if it is still free, otherwise a random one."""
    is_parent_id = ".ENT." in customer.address
    is_free = not BusinessScopedId.objects.filter(value=customer.address).exists()
    if not customer.has_visible_number and is_parent_id == bool(infix) and is_free:
        return customer.address
    number = 10 ** (DIGITS - 1) + secrets.randbelow(9 * 10 ** (DIGITS - 1))
    return f"{WHATSAPP_PREFIX}{_get_country(customer)}.{infix}{number}"


def _get_country(customer: Customer) -> str:
    if not customer.has_visible_number:
        return customer.bare_address[:2]
    try:
        country = phonenumbers.region_code_for_number(phonenumbers.parse(customer.bare_address))
    except phonenumbers.NumberParseException:
        country = None
    return country if country and COUNTRY_PATTERN.match(country) else DEFAULT_COUNTRY
