"""Two people who are signed in and one who is not attack a shared server through nginx, over HTTP and in a browser.

The site is the one in ``deploy/``. Nobody gets what is not theirs, and the log has every attempt that reaches the
server, with who it was and the address that they came from; what nginx itself turns away is in its own log.
"""

from __future__ import annotations

import base64
import contextlib
import io
import re
import shutil
import signal
import socket
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest
from PIL import Image
from playwright.sync_api import expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.web.server.starlette.starlette_server_config import XSRF_COOKIE_NAME
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fundus_core import runs
from fundus_core.models import card_files, ownership, registry
from fundus_core.records import Rule
from fundus_core.store import AuditLog, Cohort
from pages.parts.shell import people
from tests.browser.proxied import (
    ANNA,
    BEN,
    ELSEWHERE,
    EVE,
    House,
    Visitor,
    asks,
    heard,
    media,
    shared_house,
    unasked,
)
from tests.pages.test_shared_attacks import changed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:authlib.jose module", "ignore:get_jwt_config"),
]
SECRETS = ("Clinic of Anna", "C001", "C000_")
PAGES = ("explore", "evaluate", "present", "one_photograph", "criteria", "new_cohort")


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "maroon").save(out, "JPEG")
    return out.getvalue()


def anna_s(house: House):
    """Her cohort, a photograph of it with a picture, a selection of hers."""
    cohort = house.store.cohort("Clinic of Anna")
    item = house.store.photographs(cohort.id, limit=1).items[0]
    for kind in ("thumbnails", "crops"):
        house.store.shelf.write(kind, item.sha256, jpeg())
    chosen = as_(house, ANNA).keep_selection(cohort.id, Rule(names=(item.name,)))
    return cohort, item, chosen


def as_(house: House, name: str):
    return house.store.asked_by(people.person(name, ""))


def raw(site: str, data: bytes) -> bytes:
    """What comes back of bytes that no client would send."""
    port = int(re.findall(r":(\d+)/", site)[0])
    with (
        socket.create_connection(("127.0.0.1", port), 3, (ELSEWHERE, 0)) as plain,
        unasked().wrap_socket(plain) as secret,
    ):
        secret.sendall(data)
        answer = b""
        with contextlib.suppress(OSError):
            while more := secret.recv(65536):
                answer += more
        return answer


def asked(visitor: Visitor, path: str, method: str = "GET", version: str = "1.1", more: str = "") -> bytes:
    """What comes back of a path as it is written."""
    host = visitor.site.removeprefix("https://").partition("/")[0]
    cookie = f"Cookie: {visitor.cookies()}\r\n" if visitor.cookies() else ""
    head = f"{method} {path} HTTP/{version}\r\nHost: {host}\r\nConnection: close\r\n{cookie}{more}\r\n"
    return raw(visitor.site, head.encode())


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def paths(picture: str) -> list[str]:
    """A picture's address in every writing that reaches the server."""
    name = picture.rpartition("/")[2]
    return [
        f"/eyes/media/{name}", f"/eyes//media/{name}", f"/eyes/%6dedia/{name}", f"/eyes/media%2f{name}",
        f"//eyes/media/{name}", f"/eyes/./media/{name}", f"/eyes/x/../media/{name}", f"/eyes/media/{name};x",
        f"/eyes/static/../media/{name}", f"/eyes/static/%2e%2e/media/{name}", f"/eyes/static/..%2fmedia/{name}",
        f"/eyes/healthz/../media/{name}", f"/eyes/eyes/media/{name}", f"/eyes/MEDIA/{name}", f"/eyes/media/{name}?x=1",
        f"/eyes/media/{name}#a", f"/eyes/../eyes/media/{name}", f"/eyes/app/static/../../media/{name}",
        f"/eyes/component/../media/{name}", f"/eyes/media\\{name}", f"https://x/eyes/media/{name}",
    ]  # fmt: skip


def others(picture: str, session: str) -> list[tuple[str, str]]:
    """The picture by other methods; uploads of hers; what only the server reads."""
    return [
        *((method, picture) for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH", "PROPFIND")),
        *((method, f"/_stcore/upload_file/{session}/x") for method in ("PUT", "DELETE")),
        ("PUT", "/fundus/upload/unknown/0"), ("GET", "/_stcore/metrics"), ("GET", "/_stcore/agent/x"),
        ("GET", "/component/x/../people.toml"), ("GET", "/component/..%2fpeople.toml"),
        ("GET", "/_stcore/bidi-components/x/%2e%2e/people.toml"), ("GET", "/app/static/..%2f..%2fpeople.toml"),
    ]  # fmt: skip


def headers() -> list[str]:
    """What somebody sends who would be another, or come from elsewhere."""
    basic = base64.b64encode(f"{ANNA}:x".encode()).decode()
    return [
        *(f"{name}: {ANNA}" for name in ("X-Remote-User", "X_Remote_User", "Remote-User", "X-Forwarded-User")),
        f"X-Fundus-Lab-Person: {ANNA}", f"x-streamlit-user: {ANNA}", f"Authorization: Basic {basic}",
        "X-Fundus-Lab-Address: 9.9.9.9", "X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: ::1",
        "X-Real-IP: 9.9.9.9", "Forwarded: for=9.9.9.9", "X-Forwarded-Host: evil.example", "X-Original-URL: /healthz",
        "X-HTTP-Method-Override: PUT", "Sec-WebSocket-Protocol: streamlit, x, y", "Range: bytes=0-9",
    ]  # fmt: skip


def smuggled(visitor: Visitor, picture: str) -> list[str]:
    """A request for the picture in the body of another that means one thing to nginx and another to us."""
    host = visitor.site.removeprefix("https://").partition("/")[0]
    inner = f"GET /eyes{picture} HTTP/1.1\r\nHost: {host}\r\nX-Fundus-Lab-Person: ann%40eye.example\r\n\r\n"
    begin = f"POST /eyes/ HTTP/1.1\r\nHost: {host}\r\nCookie: {visitor.cookies()}\r\n"
    chunked = "Transfer-Encoding: chunked\r\n"
    upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 777\r\nSec-WebSocket-Key: AA==\r\n"
    return [
        f"{begin}Content-Length: {len(inner) + 5}\r\n{chunked}\r\n0\r\n\r\n{inner}",
        f"{begin}Content-Length: 4\r\n{chunked}\r\n{len(inner):x}\r\n{inner}\r\n0\r\n\r\n",
        f"{begin}{chunked}Transfer-Encoding: x\r\n\r\n0\r\n\r\n{inner}",
        f"{begin}Content-Length: 0\r\nContent-Length: {len(inner)}\r\n\r\n{inner}",
        f"{begin}Content-Length: {len(inner)}\r\n\r\n{inner}",
        f"GET /eyes/healthz HTTP/1.1\r\nHost: {host}\r\n{upgrade}\r\n{inner}",
        f"{begin}X-Remote-User: {BEN}\r\n X-Remote-User: {ANNA}\r\n\r\n",
    ]


@dataclass
class Siege:
    """Who attacks what, and how often so far."""

    house: House
    anna: Visitor
    ben: Visitor
    nobody: Visitor
    tried: Counter[str] = field(default_factory=Counter)

    def refused(self, who: Visitor, path: str, method: str = "GET", more: str = "") -> None:
        """Ask for something that is not theirs."""
        answer = asked(who, path, method, more=more)
        assert status(answer) == (404 if who.name else 401), (path, method, more)
        assert not any(word in answer for word in (jpeg(), b"stewards =", *(each.encode() for each in SECRETS)))
        self.tried[who.name] += 1

    def unconnected(self, who: Visitor, resumes: str = "", **told: str) -> None:
        """Ask for a connection that is not theirs."""
        try:
            with who.connection(resumes, **told):
                pytest.fail(f"a connection was made: {told}")
        except (InvalidStatus, EOFError):
            self.tried[who.name] += 1


def attack_files(siege: Siege, picture: str, session: str) -> None:
    """Her picture in every writing, with every header and method; uploads of hers; files of the server."""
    for who in (siege.ben, siege.nobody):
        for path in paths(picture):
            siege.refused(who, path)
        for line in headers():
            siege.refused(who, f"/eyes{picture}", more=f"{line}\r\n")
        for method, path in others(picture, session):
            siege.refused(who, f"/eyes{path}", method, "Content-Length: 0\r\n")
        assert jpeg() not in asked(who, f"/eyes{picture}", version="1.0")
    for shape in smuggled(siege.ben, picture):
        assert jpeg() not in raw(
            siege.house.site, shape.encode()
        )  # nginx refuses it, or what is inside counts for less


def attack_connections(siege: Siege, session: str) -> None:
    """None, a forged cookie, hers to go on with, and pages of other sites with one's own cookie."""
    siege.unconnected(siege.nobody)
    forged = re.sub(r"(_streamlit_user=[^;]{20}).", r"\1~", siege.ben.cookies())
    siege.unconnected(siege.nobody, cookie=forged)
    siege.unconnected(siege.ben, session)
    for told in ({}, {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Host": "evil.example", "Forwarded": "host=x"}):
        siege.unconnected(siege.ben, origin="https://evil.example", **told)


def attack_pages(siege: Siege, hers: Cohort, selection: str) -> None:
    """Links to what is hers, pages of stewards, and widgets that are told to hold her names."""
    ben, mine = siege.ben, siege.house.store.cohort("Van of Ben").key
    queries = [f"cohort={hers.key}", f"selection={selection}", f"cohort={mine}&selection={selection}"]
    for page, query in zip(PAGES, [*queries, f"cohort={hers.id}", f"cohort={mine}&cohort={hers.key}"], strict=False):
        assert not any(word in ben.shown(page, query) for word in SECRETS), query
        siege.tried[BEN] += 1
    for name in ("stewards", "STEWARDS", "../stewards", "pages/stewards.py"):
        assert "follow from each other" not in ben.shown(name, "page=1")
        siege.tried[BEN] += 1
    with ben.connection() as tab:
        ids = set(re.findall(r'id: "(\$\$ID[^"]+)"', heard(tab, asks("explore", f"cohort={mine}"))))
        assert len(ids) > 20
        for word in (hers.key, hers.name, str(hers.id)):
            message = asks("explore", f"cohort={mine}")
            for each in ids:
                state = message.rerun_script.widget_states.widgets.add()
                state.id, state.string_value = each, word
            told = heard(tab, message).replace(word, "")
            assert not any(secret in told for secret in SECRETS), word
            siege.tried[BEN] += word == hers.key  # a name or a number is a word that anybody may type


MODEL = "annas-own"


def her_model(house: House) -> None:
    """A model of Anna's, as recalibrating one leaves it."""
    shipped = registry.find("sample-rendered").folder
    folder = house.folder / "models" / MODEL
    shutil.copytree(shipped, folder)
    card = folder / "card.toml"
    card.write_text(card.read_text("utf-8").replace("sample-rendered", MODEL), "utf-8")
    ownership.write(card_files.read(card), ownership.Ownership(ANNA))


def attack_models(siege: Siege) -> None:
    """A link to her model, its name where a model is chosen, and its owner's buttons."""
    her_model(siege.house)
    ben, mine = siege.ben, siege.house.store.cohort("Van of Ben").key
    shown = siege.anna.shown("models")
    assert MODEL in shown
    for page, query in (("models", ""), ("evaluate", f"cohort={mine}&model={MODEL}"), ("new_cohort", "")):
        assert MODEL not in ben.shown(page, query).replace(query, "").replace(f"“{MODEL}”", ""), page
    siege.tried[BEN] += 1  # of the link; the other pages only do not show it
    buttons = {one for one in re.findall(r'id: "(\$\$ID[^"]+)"', shown) if MODEL in one}
    assert buttons
    before = {path: path.read_bytes() for path in (siege.house.folder / "models").rglob("*") if path.is_file()}
    assert MODEL not in told(ben, press(asks("models"), *buttons))
    assert {path: path.read_bytes() for path in before} == before


def press(message: BackMsg, *buttons: str) -> BackMsg:
    """The message, with buttons pressed by their ids."""
    for each in buttons:
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = each, True
    return message


def told(who: Visitor, message: BackMsg) -> str:
    """What somebody is told on a connection of its own."""
    with who.connection() as tab:
        return heard(tab, message)


def attack_run(siege: Siege) -> None:
    """Her run, which waits: watched, gone on with, ended, and taken to the cluster by the buttons of her page."""
    store, hers = siege.house.store, siege.house.store.cohort("Clinic of Anna")
    run = runs.submit(store, hers.id, ["sample-rendered"])
    runs.pause(store, run)
    query = f"run={run}-{hers.key}"
    shown = siege.anna.shown("new_cohort", query)
    buttons = set(re.findall(rf'id: "(\$\$ID[^"]+-(?:cluster|resume|cancel){run})"', shown))
    assert len(buttons) == 3
    for query in (f"run={run}-{hers.key}", f"run={run}-{hers.key}&to={hers.key}", ""):
        for each in buttons:
            assert "Paused" not in told(siege.ben, press(asks("new_cohort", query), each))
            siege.tried[BEN] += bool(query)
    assert runs.progress(store, run).state == "paused"


def brought(who: Visitor, archive: bytes, *, session: str = "") -> str:
    """Bring an export in as the page of cohorts does; where ``session`` is named, as a file of that connection."""
    with who.connection() as tab:
        page = heard(tab, asks("cohorts"))
        own = re.findall(r'session_id: "([^"]+)"', page)[0]
        opens = re.findall(r'button \{\s+id: "([^"]+)"\s+label: "Bring in an export"', page)[0]
        dialog = heard(tab, press(asks("cohorts"), opens))
        where = BackMsg()
        where.file_urls_request.session_id = session or own  # nobody heeds it
        where.file_urls_request.request_id = "1"
        where.file_urls_request.file_names.append("x.zip")
        address = heard(tab, where, "file_urls_response")
        given = {
            name: re.findall(rf'{name}: "([^"]+)"', address)[0] for name in ("file_id", "upload_url", "delete_url")
        }
        path = given["upload_url"].removeprefix("/eyes").replace(own, session or own)
        who.get("/_stcore/health")  # leaves a token, as a browser's first request does
        token = {"x-xsrftoken": who.client.cookies[XSRF_COOKIE_NAME]}
        answer = who.get(path, "PUT", files={"file": ("x.zip", archive)}, headers=token)
        if answer.status_code != 204:
            return f"{answer.status_code}"
        bring = BackMsg()
        bring.rerun_script.page_name = "cohorts"
        bring.rerun_script.fragment_id = re.findall(r'fragment_id: "([0-9a-f]+)"', dialog)[-1]
        bring.rerun_script.page_script_hash = re.findall(r'page_script_hash: "([0-9a-f]+)"', dialog)[-1]
        state = bring.rerun_script.widget_states.widgets.add()
        state.id = re.findall(r'file_uploader \{\s+id: "([^"]+)"', dialog)[0]
        one = state.file_uploader_state_value.uploaded_file_info.add()
        one.file_id, one.name, one.size = given["file_id"], "x.zip", len(archive)
        for name, value in given.items():
            setattr(one.file_urls, name, value)
        page = heard(tab, bring)
        return heard(tab, press(bring, re.findall(r'button \{\s+id: "([^"]+)"\s+label: "Bring in"', page)[0]))


def attack_archives(siege: Siege, session: str, folder: Path) -> None:
    """An export under her cohort's name, one that claims her hashes, one for her connection; and one that is his."""
    house = siege.house
    as_(house, BEN).export("Van of Ben", folder / "ben.zip")
    hers, his = (str(house.store.hashes(name)[0]) for name in ("Clinic of Anna", "Van of Ben"))
    before = house.store.cohorts()

    def named(name: str, data: bytes, to: bytes = b"Clinic of Anna") -> bytes:
        return data.replace(b"Van of Ben", to) if name == "cohort.json" else data

    for change in (named, lambda _name, data: data.replace(his.encode(), hers.encode())):
        archive = changed(folder / "ben.zip", folder / "x.zip", change).read_bytes()
        answer = brought(siege.ben, archive)
        assert "already" in answer or "lacks the bytes" in answer
        assert not any(word in answer for word in ("C001", "C000_"))
    assert brought(siege.ben, archive, session=session) == "404"
    siege.tried[BEN] += 1
    assert house.store.cohorts() == before
    taken = changed(folder / "ben.zip", folder / "y.zip", partial(named, to=b"Bus of Ben"))
    answer = brought(siege.ben, taken.read_bytes())
    assert "Bus of Ben" in {one.name for one in house.store.cohorts()}, answer
    assert house.store.cohort("Bus of Ben").owner == BEN
    assert "Bus of Ben" not in siege.anna.shown("cohorts")


def attack_after(siege: Siege) -> None:
    """Go on after signing out, by what was kept, and after being taken off the list."""
    kept = siege.ben.cookies()
    with siege.ben.connection() as tab:
        heard(tab, asks("cohorts"))
        assert siege.ben.get("/auth/logout").status_code == 302
        tab.send(asks("cohorts").SerializeToString())
        with contextlib.suppress(ConnectionClosed):
            while True:
                tab.recv(timeout=30)
    siege.unconnected(siege.nobody, cookie=kept)
    siege.refused(siege.nobody, "/eyes/_stcore/health", more=f"Cookie: {kept}\r\n")
    ben = Visitor(siege.house.site, BEN).sign_in()
    (siege.house.folder / people.FILE).write_text(f'members = ["{ANNA}"]')
    assert ben.get("/_stcore/health").status_code == 403
    siege.unconnected(ben)


def listening(process: int) -> set[tuple[str, int]]:
    """Where a process and those that it started, the worker among them, can be reached."""
    server = psutil.Process(process)
    found = set()
    for one in [server, *server.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {each.laddr for each in one.net_connections("inet") if each.status in ("LISTEN", "NONE")}
    return {(each.ip, each.port) for each in found}


def test_nobody_gets_over_http_what_is_not_theirs(tmp_path):
    with shared_house(tmp_path, FUNDUS_LAB_CLUSTER="127.0.0.1:9") as house:
        siege = Siege(house, *(Visitor(house.site, name).sign_in() for name in (ANNA, BEN)), Visitor(house.site))
        cohort, item, chosen = anna_s(house)
        page = siege.anna.shown("one_photograph", f"cohort={cohort.key}&photograph={item.key}")
        session, picture = re.findall(r'session_id: "([^"]+)"', page)[0], media(page)[0]
        assert asked(siege.anna, f"/eyes{picture}").endswith(jpeg())
        attack_files(siege, picture, session)
        attack_connections(siege, session)
        attack_pages(siege, cohort, chosen.key)
        attack_models(siege)
        attack_run(siege)
        attack_archives(siege, session, tmp_path)
        attack_after(siege)
        assert listening(house.process.pid) == {("127.0.0.1", house.port)}
        house.process.send_signal(signal.SIGTERM)
        house.process.wait(timeout=60)
        lines = [line for line in house.log() if line["address"]]  # the others are this test's own
        found: Counter[str] = Counter()
        for line in lines:
            found[str(line["who"])] += int(str(line.get("times", 1))) if line["what"] == "refused" else 0
        assert sum(siege.tried.values()) > 100
        assert all(found[who] >= times for who, times in siege.tried.items()), (found, siege.tried)
        assert {line["address"] for line in lines} == {ELSEWHERE}
        assert len(lines) < 250, "a flood is counted"
        assert AuditLog(house.folder).verified().fault == 0
        assert {line["what"] for line in lines if line["who"] == BEN} >= {"signed in", "signed out", "refused", "saw"}


SIGNED = "        # Where nginx signs people in itself"
BASIC = f"""        auth_basic eyes;
        auth_basic_user_file people;
        proxy_set_header X-Remote-User $remote_user;
{SIGNED}"""


def test_a_header_of_nginx_says_who_asks_and_nobody_else_does(tmp_path):
    words = "".join(f"{name}:{{PLAIN}}x\n" for name in (ANNA, BEN))
    (tmp_path / "people").write_text(words)
    changes = {SIGNED: BASIC.replace("_file people", f"_file {tmp_path}/people")}
    with shared_house(tmp_path, changes=changes, FUNDUS_LAB_TRUSTED_HEADER="X-Remote-User") as house:
        ben, nobody = Visitor(house.site, BEN), Visitor(house.site)
        key = house.store.cohort("Clinic of Anna").key
        basic = {"authorization": f"Basic {base64.b64encode(f'{BEN}:x'.encode()).decode()}"}
        assert "Van of Ben" in ben.shown("cohorts", **basic)
        tried = 0
        for name in ("X-Remote-User", "x-remote-user", "X_Remote_User", "X-REMOTE-USER", "X-Fundus-Lab-Person"):
            told = ben.shown("explore", f"cohort={key}", **basic, **{name: ANNA})
            assert not any(word in told for word in SECRETS), name
            tried += 1
            assert ben.get("/_stcore/health", headers={name: ANNA}).status_code == 401  # nginx's own refusal
        own = f"http://127.0.0.1:{house.port}/eyes"
        for asker in (nobody, ben):
            answer = asker.client.get(f"{own}/_stcore/health", headers={"x-remote-user": ANNA})
            assert answer.status_code == 401, "past nginx, from an address that is none of its"
        lines = house.log()
        assert sum(line["what"] == "refused" and line["who"] == BEN for line in lines) >= tried
        assert {line["address"] for line in lines if line["address"]} == {ELSEWHERE}
        assert not [line for line in lines if line["who"] == ANNA and line["address"]]


def sign_in(tab, name: str) -> None:
    tab.get_by_role("link", name="Sign in").click()
    tab.locator("input[name=sub]").fill(name)
    tab.locator("button[type=submit], input[type=submit]").first.click()
    expect(tab.get_by_text(f"Signed in as {name}")).to_be_visible(timeout=60_000)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    with shared_house(tmp_path_factory.mktemp("watched")) as house:
        yield house


@pytest.fixture
def tabs(watched, chromium):
    """The tabs of two browsers."""
    contexts = [chromium.new_context(ignore_https_errors=True, locale="en-US") for _ in range(2)]
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def refusals(house: House, who: str) -> int:
    return sum(line["what"] == "refused" and line["who"] == who for line in house.log())


def sees(tab, words: str) -> None:
    expect(tab.get_by_text(words).first).to_be_visible(timeout=60_000)


def test_links_open_in_no_browser_but_their_owners(watched, tabs):
    cohort, item, _ = anna_s(watched)
    hers, his = tabs
    one = f"{watched.site}/one_photograph?cohort={cohort.key}&photograph={item.key}"
    hers.goto(one)
    sign_in(hers, ANNA)
    hers.goto(one)
    sees(hers, "C000")
    picture = hers.locator("img[src*='/media/']").first.get_attribute("src")
    his.goto(watched.site)
    sign_in(his, BEN)
    before = refusals(watched, BEN)
    for page in PAGES:
        added = f"to={cohort.key}" if page == "new_cohort" else f"cohort={cohort.key}&photograph={item.key}"
        his.goto(f"{watched.site}/{page}?{added}")
        sees(his, "is not here")
        assert not any(word in his.content() for word in SECRETS), page
    host = watched.site.rpartition("/")[0]
    assert his.request.get(f"{host}{picture}" if picture.startswith("/") else picture).status == 404
    assert refusals(watched, BEN) - before >= len(PAGES) + 1
    as_(watched, ANNA).share(cohort.id, BEN, "read")
    his.goto(one)
    sees(his, "C000")
    as_(watched, ANNA).share(cohort.id, BEN, "")
    his.get_by_role("button", name="Report (HTML)").click()
    sees(his, "Failed to generate file")
    his.reload()
    sees(his, "is not here")


def test_who_has_left_a_browser_leaves_nothing_to_the_next(watched, tabs):
    cohort, item, _ = anna_s(watched)
    one = f"{watched.site}/one_photograph?cohort={cohort.key}&photograph={item.key}"
    tab, _ = tabs
    tab.goto(watched.site)
    sign_in(tab, ANNA)
    tab.goto(one)
    sees(tab, "C000")
    beside = tab.context.new_page()
    beside.goto(one)
    sees(beside, "C000")
    tab.get_by_role("button", name="Sign out").click()
    tab.get_by_role("button", name="End session").click()  # the provider asks
    sees(tab, "Sign in to go on.")
    tab.go_back()
    tab.wait_for_timeout(3000)
    assert not tab.get_by_text("C000").count()
    beside.reload()
    sees(beside, "Sign in to go on.")
    sign_in(beside, EVE)
    before = refusals(watched, EVE)
    beside.goto(one)
    sees(beside, "is not here")
    assert refusals(watched, EVE) > before
    beside.goto(f"{watched.site}/stewards")
    sees(beside, "follow from each other")
