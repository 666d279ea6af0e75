"""What a browser says: keys of another's things are written down, and no part of a page outlives what it shows.

Here every message passes, whatever page or widget it is for, and even where a page only passes over what it says.
"""

from collections.abc import Callable, Iterator
from urllib.parse import unquote

from google.protobuf.message import DecodeError, Message
from streamlit.proto.BackMsg_pb2 import BackMsg

from fundus_core.errors import FundusError
from fundus_core.store import Store


class Tab:
    """A connection, which is one person's."""

    def __init__(self, asked: Callable[[], Store]) -> None:
        """Take what gives the store as this person may use it now."""
        self.asked = asked
        self._could_read: frozenset[int] | None = None

    def heed(self, data: bytes) -> bytes:
        """Write down which keys of others a message names; return the message that the page server shall hear.

        A part of a page (a fold, a dialog, what draws itself every second) shows what it kept from before: where a
        cohort that could be read then was taken back, the whole page is drawn instead, which asks the store.
        """
        message = BackMsg()
        try:
            message.ParseFromString(data)
        except DecodeError:
            return data  # Streamlit says what it makes of it
        try:
            is_up_to_date = self._looked_up(message)
        except FundusError:  # the store cannot be asked, as the whole page says
            is_up_to_date = False
        if is_up_to_date or not message.rerun_script.fragment_id:
            return data
        message.rerun_script.fragment_id = ""
        return message.SerializeToString()

    def _looked_up(self, message: BackMsg) -> bool:
        """Note keys of others; return whether all is still to be read that could be when the page was asked for."""
        store = self.asked()
        for key in store.others("\n".join(_texts(message))):
            store.person.note("refused", f"key {key}")
        if not message.HasField("rerun_script"):
            return True
        before, self._could_read = self._could_read, store.readable()
        return before is not None and before <= self._could_read


def _texts(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        for one in value if field.is_repeated else (value,):
            if isinstance(one, Message):
                yield from _texts(one)
            elif isinstance(one, str):
                yield unquote(one)
