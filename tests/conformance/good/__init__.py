"""One good call of each documented operation, made afresh each time it is asked for, and what must hold once it was answered.

`GOOD` has a row for each of the 46. `holds` gets the answer's plain values (Result where there is an envelope) and looks, where the answer itself says
little, at what the platform now holds.
"""

from tests.conformance.good import lists_and_campaigns as lists_and_campaigns
from tests.conformance.good import people_and_texts as people_and_texts
from tests.conformance.good.frame import GOOD as GOOD
from tests.conformance.good.frame import Call as Call
from tests.conformance.good.frame import Make as Make
