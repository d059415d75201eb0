"""SMPP 3.4, as a kind of carrier: a bind, which one process has at a time."""

from services.messaging.carriers.carrier import Kind
from services.messaging.carriers.smpp.client import SmppCarrier
from services.messaging.carriers.smpp.settings import SmppSettings

KIND = Kind("smpp", SmppSettings, SmppCarrier, bound=True, binds=lambda settings: settings.binds)
