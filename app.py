"""The application: the page server, the upload route, the worker's start and stop.

``streamlit run app.py`` starts all of it.
"""

from __future__ import annotations

import streamlit as st

from pages.parts.shell import home, server

server.silence()
server.share_memory()
server.require_sign_in()
app = st.App(
    "pages/parts/frame.py",
    routes=[server.upload_route(home.inbox_of)],
    middleware=server.middleware(home.store_of),
    lifespan=server.lifespan(home.start, home.stop),
)
