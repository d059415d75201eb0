"""Which column is what: by the names people give them, else by what stands in them. Plain functions; no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from libs.common.contracts.phonelist import Entry
from libs.common.sheets import numbers

HEADER_ROWS_MAX = 10  # of a title and empty lines above the names
SAMPLE_ROWS = 100  # what is looked at to find the number's column

# The column of the number by its name, the likeliest to be a mobile first; letters and digits only.
NUMBER_NAMES = (
    *("phonenumber", "mobilenumber", "mobilephone", "mobilephonenumber", "mobile", "mobileno", "mob", "mobno", "msisdn", "cellphone", "cell"),
    *("cellnumber", "cellphonenumber", "number", "contactnumber", "contactno", "phone", "phoneno", "telephonenumber", "telephone", "telephoneno"),
    *("tel", "telno", "telnumber", "recipient", "destination", "to"),
)  # fmt: skip
NUMBER_WORDS = ("mobile", "msisdn", "cellphone", "phone")  # within a name, where no name is one of the above

_OTHER_NAMES = {
    "title": "salutation honorific",
    "first_name": "forename givenname firstnames forenames fname first christianname",
    "surname": "lastname familyname lname last secondname",
    "address1": "address addressline1 addr1 street streetaddress line1",
    "address2": "addressline2 addr2 line2",
    "address3": "addressline3 addr3 line3",
    "city": "town towncity citytown posttown",
    "county": "state region province",
    "postcode": "postalcode zip zipcode",
    "gender": "sex",
    "date_of_birth": "dob birthday birthdate birth",
    "reference": "ref customerref customerreference clientref yourref externalid customerid clientid memberid",
    "email": "emailaddress mail emailadress",
    "user1": "userfield1 custom1 customfield1",
    "user2": "userfield2 custom2 customfield2",
    "user3": "userfield3 custom3 customfield3",
}
FIELD_NAMES: Mapping[str, str] = {
    **{name.replace("_", ""): name for name in Entry.model_fields if name != "phone_number"},
    **{other: name for name, others in _OTHER_NAMES.items() for other in others.split()},
}


@dataclass(frozen=True, slots=True)
class Columns:
    """`places`: where each Entry's field stands; `names`: of the columns, () where the file has none; `first`: the record that the rows begin with.

    `sense`: how sure this is: by a name for the number's column and then how many columns have a meaning, or how many numbers are in it.
    """

    places: Mapping[str, int]
    names: tuple[str, ...]
    first: int
    sense: tuple[bool, int]

    @property
    def ignored(self) -> list[str]:
        used = set(self.places.values())
        return [name for place, name in enumerate(self.names) if place not in used and name]

    @property
    def told(self) -> dict[str, str]:
        """Each field with the name of its column, or its place from 1 where it has none."""
        return {
            field: self.names[place] if self.names and self.names[place] else f"column {place + 1}"
            for field, place in self.places.items()
        }


def key(name: str) -> str:
    """What the writings of one name share."""
    return re.sub(r"[\W_]", "", name.casefold())


def find(sample: Sequence[Sequence[str]]) -> Columns | None:
    """The columns of a table that begins so. None where no name says phone number and no column holds them."""
    for place, record in enumerate(sample[:HEADER_ROWS_MAX]):
        number = _number_name(record)
        if number is not None and not any(numbers.read(value) for value in record):
            places = _places(record, number)
            return Columns(places, _names(record), place + 1, (True, len(places)))
    return _by_content(sample)


def _names(record: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in record)


def _number_name(record: Sequence[str]) -> int | None:
    keys = [key(name) for name in record]
    for name in NUMBER_NAMES:
        if name in keys:
            return keys.index(name)
    for word in NUMBER_WORDS:
        for place, each in enumerate(keys):
            if word in each and len(each) <= len(word) + 20:  # a sentence is no name
                return place
    return None


def _places(record: Sequence[str], number: int) -> dict[str, int]:
    places = {"phone_number": number}
    for place, name in enumerate(record):
        field = FIELD_NAMES.get(key(name))
        if field and place != number:
            places.setdefault(field, place)
    return places


def _by_content(sample: Sequence[Sequence[str]]) -> Columns | None:
    """The column that holds most numbers, if most of what it holds are numbers. The first row is its name, and those of the others, if it is none."""
    records = [(place, record) for place, record in enumerate(sample) if any(value.strip() for value in record)]
    width = max((len(record) for _, record in records), default=0)
    best, best_count = None, 0
    for column in range(width):
        values = [value for _, record in records for value in record[column : column + 1] if value.strip()]
        count = sum(numbers.read(value) is not None for value in values)
        if count > best_count and (count >= len(values) / 2 or count == len(values) - 1):
            best, best_count = column, count
    if best is None:
        return None
    first, record = records[0]
    headed = best < len(record) and any(map(str.isalpha, record[best])) and not numbers.read(record[best])
    if headed:
        return Columns(_places(record, best), _names(record), first + 1, (False, best_count))
    return Columns({"phone_number": best}, (), first, (False, best_count))
