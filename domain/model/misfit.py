"""Misfit: why an earlier attempt does not serve a new request."""

from enum import StrEnum


class Misfit(StrEnum):
    """Why an earlier attempt does not serve a request; part of the API."""

    ACCOUNT = "account"
    CREDENTIALS = "credentials"
    PAGE_KEY = "page_key"
    CREDENTIALS_OR_PAGE_KEY = "credentials_or_page_key"
    CLIENT_TYPE = "client_type"
    PAGE_KIND = "page_kind"
    AMOUNT = "amount"
    INSTALMENTS = "instalments"
    OPENID = "openid"
    CLIENT_IP = "client_ip"
    RETURN_URL = "return_url"
    EMAIL = "email"
    NAME = "name"
    PHONE = "phone"
    LANGUAGE = "language"
    SHIPPING_COUNTRY = "shipping_country"
    NOT_PAYABLE = "not_payable"
    TIME_OVER = "time_over"
    PAGE_RAN_OUT = "page_ran_out"
