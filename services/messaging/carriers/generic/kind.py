"""A carrier defined by configuration alone, as a kind of carrier."""

from services.messaging.carriers.carrier import Kind
from services.messaging.carriers.generic.client import GenericCarrier
from services.messaging.carriers.generic.settings import GenericSettings

KIND = Kind("generic", GenericSettings, GenericCarrier)
