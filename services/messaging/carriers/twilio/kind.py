"""The Twilio-compatible message API, as a kind of carrier."""

from services.messaging.carriers.carrier import Kind
from services.messaging.carriers.twilio.client import TwilioCarrier, TwilioSettings

KIND = Kind("twilio", TwilioSettings, TwilioCarrier)
