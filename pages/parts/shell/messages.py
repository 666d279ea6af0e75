"""What a browser says: keys of another's things are written down, and no part of a page outlives what it shows.

Here every message passes, whatever page or widget it is for, and even where a page only passes over what it says.
"""

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote

from google.protobuf.message import DecodeError, Message
from streamlit.proto.BackMsg_pb2 import BackMsg

from fundus_core.errors import FundusError
from fundus_core.store import Store, keys_in

_OURS = ("rerun_script", "stop_script", "file_urls_request", "app_heartbeat", "deferred_file", "dataframe_chunk")
"""Kinds of messages that our pages send. Streamlit knows more, and asks nobody: to clear what is cached for everybody,
to run ``git``, to write into the server's folders."""
_ANY_TIME = ("stop_script", "file_urls_request", "deferred_file")
"""Those that show nothing from before; a file that is made late asks itself."""
_REMEMBERED = 10_000
_NOTHING = BackMsg(app_heartbeat=True).SerializeToString()


class Tab:
    """A connection, which is one person's."""

    def __init__(self, asked: Callable[[], Store]) -> None:
        """Take what gives the store as this person may use it now."""
        self.asked = asked
        self._could_read: frozenset[int] | None = None
        self._harmless: set[str] = set()

    def heed(self, data: bytes) -> bytes:
        """Write down which keys of others a message names; return the message that the page server shall hear.

        A part of a page (a fold, a dialog, what draws itself every second) shows what it kept from before: where a
        cohort that could be read then was taken back, the whole page is drawn instead, which asks the store. Further
        rows of a table that was drawn before do not come then, and nothing comes of what no page of ours sends.
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
        kind = _kind(message)
        if kind not in _OURS or (kind == "dataframe_chunk" and not is_up_to_date):
            return _NOTHING
        if is_up_to_date or not message.rerun_script.fragment_id:
            return data
        message.rerun_script.fragment_id = ""
        return message.SerializeToString()

    def _looked_up(self, message: BackMsg) -> bool:
        """Note keys of others; return whether all is still to be read that could be when the page was asked for."""
        kind = _kind(message)
        if kind == "app_heartbeat":
            return True
        store = self.asked()
        before, now = self._could_read, store.readable()
        if before != now:
            self._harmless.clear()
        for key in self._others(store, message):
            store.person.note("refused", f"key {key}")
        if kind not in _OURS:
            store.person.note("refused", f"message {kind}")
        if kind == "rerun_script":
            self._could_read = now
        return kind in _ANY_TIME or (before is not None and before <= now)

    def _others(self, store: Store, message: BackMsg) -> Sequence[str]:
        """Return the keys of others; what is nobody else's is looked up once, as long as one may read the same."""
        keys = [key for key in keys_in("\n".join(_texts(message))) if key not in self._harmless]
        theirs = store.others(keys)
        if not theirs and len(self._harmless) < _REMEMBERED:
            self._harmless.update(keys)
        return theirs


def _kind(message: BackMsg) -> str:
    kind = str(message.WhichOneof("type"))
    return str(message.backend_operation_request.WhichOneof("payload")) if kind == "backend_operation_request" else kind


def _texts(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        for one in value if field.is_repeated else (value,):
            if isinstance(one, Message):
                yield from _texts(one)
            elif isinstance(one, str):
                yield unquote(one)
