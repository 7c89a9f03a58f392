"""Signing people in for tests, with a phone where their rights ask for one."""

import time

import pyotp
from django.test import Client

from accounts.models import Authenticator, User
from accounts.signin import second_factor

# What every phone of the tests holds.
SECRET = "3132333435363738393031323334353637383930"


def give_phone(user: User) -> Authenticator:
    """A confirmed device of django-otp."""
    return Authenticator.objects.create(user=user, name="手机", confirmed=True, secret=SECRET)


def code_of(device: Authenticator, steps: int = 0) -> str:
    """What the phone shows now, or some steps of 30 seconds from now."""
    return pyotp.TOTP(device.base32).at(int(time.time()) + 30 * steps)


def sign_in_verified(client: Client, user: User) -> None:
    """Sign in, second factor included where the person's rights need one."""
    client.force_login(user)
    if not second_factor.falls_under(user):
        return
    device = Authenticator.objects.filter(user=user, confirmed=True).first() or give_phone(user)
    session = client.session
    session[second_factor.VERIFIED] = device.persistent_id
    session.save()
