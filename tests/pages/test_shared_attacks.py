"""What somebody tries who knows how the server is built: headers and cookies that mean one thing to Streamlit and
another to the guard, files and connections by another's address, names that are paths, archives that claim what is not
theirs. All of it is refused, and the log has it."""

from __future__ import annotations

import contextlib
import io
import json
import re
import time
import urllib.parse
import zipfile
from functools import partial
from pathlib import Path

import psutil
import pytest
from itsdangerous import URLSafeTimedSerializer
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession

from fundus_core import jobs, owner_only
from fundus_core.__main__ import main
from fundus_core.analyses import OpenStudies, result_cache
from fundus_core.errors import UsageError
from fundus_core.store import NewPhotograph
from pages.parts.shared import studies
from pages.parts.shell import guard, home, people, sign_in, whose
from tests.pages import shared_server as shared
from tests.pages.test_shared_server import ANN, BOB, browsers, cookie, house, refusals, scope, theirs

__all__ = ["browsers", "house"]
pytestmark = pytest.mark.filterwarnings(
    "ignore:authlib.jose module", "ignore:get_jwt_config", "ignore:.*HTTP_422", "ignore:Couldn't find"
)


def signing():
    return shared.secrets("")["auth"]["cookie_secret"]


def jpeg(colour="teal"):
    """A picture whose bytes no other module of tests shows to anybody, since a file is known by its bytes."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(scope="module")
def picture(house, browsers):
    """The address of a picture of Ann's, which a page has shown to her."""
    _, store = house
    cohort, item, _ = theirs(store)
    for kind in ("thumbnails", "crops"):
        store.shelf.write(kind, item.sha256, jpeg())
    page = shared.shown(browsers[ANN], "one_photograph", f"cohort={cohort.key}&photograph={item.key}")
    return shared.media(page)[0]


# Files by their address


@pytest.mark.parametrize("told", ["streamlit, token, unknown", "a,b,c", ",,x", "streamlit,token,unknown,more"])
def test_a_header_of_connections_opens_no_file(browsers, picture, told):
    before, headers = refusals(), {"sec-websocket-protocol": told}
    assert browsers[ANN].get(picture, headers=headers).status_code == 200
    assert browsers[BOB].get(picture, headers=headers).status_code == 404
    for method in ("PUT", "DELETE"):
        session = next(key for key, tab in whose._tabs.items() if tab.people == {ANN})
        answer = browsers[BOB].request(method, f"/_stcore/upload_file/{session}/x", headers=headers)
        assert answer.status_code == 404
    assert refusals() - before == 3


def test_an_address_that_is_written_otherwise_opens_no_file(browsers, picture):
    name = picture.rpartition("/")[2]
    tried = [f"//media/{name}", f"/./media/{name}", f"/media/./{name}", f"/media/x/../{name}", f"/MEDIA/{name}"]
    tried += [f"/media/{name}/", f"/media/{name};x", f"/media/{name}%00", f"/%6dedia/{name}", f"/media%2f{name}"]
    tried += [f"/static/../media/{name}", f"/healthz/../media/{name}", f"/media/{name}?x={picture}", f"/media\\{name}"]
    for address in tried:
        before = refusals()
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            answer = browsers[BOB].request(method, f"{shared.ORIGIN}{address}", headers={"range": "bytes=0-"})
            assert jpeg() not in answer.content, address
            assert answer.status_code == 404, address
        assert refusals() - before == 4, address


def test_a_sign_in_that_signs_nobody_in_is_in_the_log(house):
    client, _ = house
    before = refusals()
    for query in ("code=1&state=2", "error=access_denied"):
        client.get(f"/oauth2callback?{query}")
    assert refusals() - before == 2
    client.get("/oauth2callback")  # the provider sends people back who have signed out
    shared.signed_in(client, BOB)
    assert refusals() - before == 2


# What is taken from somebody while they look at it


@contextlib.contextmanager
def lent(store, page, **query):
    """Let Bob read Ann's cohort meanwhile; yields what asks for a page of it, and what takes it back."""
    cohort, _, _ = theirs(store)
    ann = store.asked_by(people.person(ANN, ""))
    asked = BackMsg()
    asked.rerun_script.page_name = page
    asked.rerun_script.query_string = urllib.parse.urlencode({"cohort": cohort.key, **query})
    take_back = partial(ann.share, cohort.id, BOB, "")
    ann.share(cohort.id, BOB, "read")
    try:
        yield asked, take_back
    finally:
        take_back()


def test_a_page_that_is_open_gives_nothing_of_a_cohort_that_is_shared_no_longer(house, browsers, picture):
    _, store = house
    bob = browsers[BOB]
    with (
        lent(store, "one_photograph", photograph=theirs(store)[1].key) as (asked, take_back),
        shared.connection(bob) as tab,
    ):
        text = heard(tab, asked)
        assert "C000_" in text
        file = BackMsg()
        file.backend_operation_request.session_id = next(
            key for key, one in whose._tabs.items() if one.people == {BOB} and f'"{key}"' in text
        )
        file.backend_operation_request.request_id = "1"
        file.backend_operation_request.deferred_file.file_id = re.findall(r'deferred_file_id: "([0-9a-f]{32})"', text)[
            -1
        ]
        made = shared.media(heard(tab, file, until="backend_operation_response"))[0]
        assert "C000_" in bob.get(made).text
        assert bob.get(picture).status_code == 200
        take_back()
        before = refusals()
        assert bob.get(made).status_code == 404
        assert bob.get(picture).status_code == 404
        assert not shared.media(heard(tab, file, until="backend_operation_response"))
        assert refusals() - before == 3
        assert "C000_" not in heard(tab, asked)
    assert browsers[ANN].get(picture).status_code == 200


def test_a_fold_that_is_opened_late_shows_nothing_of_what_is_shared_no_longer(house, browsers):
    _, store = house
    with lent(store, "evaluate", target="sbp") as (asked, take_back), shared.connection(browsers[BOB]) as tab:
        text = heard(tab, asked)
        take_back()
        late = BackMsg()
        late.CopyFrom(asked)
        late.rerun_script.fragment_id = re.findall(r'fragment_id: "([0-9a-f]+)"', text)[0]
        late.rerun_script.page_script_hash = re.findall(r'page_script_hash: "([0-9a-f]+)"', text)[-1]
        told = heard(tab, late)
        assert "MAE" not in told
        assert "is not here" in told, "the whole page is drawn anew now"


@pytest.fixture
def large(monkeypatch):
    """The words of the jobs that pages begin; they take these cohorts for large ones."""
    monkeypatch.setattr(result_cache, "MANY", 1)
    monkeypatch.setattr(studies, "MANY", 1)
    monkeypatch.setattr(studies, "_STUDIES", OpenStudies())
    begun = []

    def start(folder, *words):
        begun.append([str(word) for word in words])
        owner_only.folder(folder)
        jobs._write(folder, jobs.Stage(jobs.STARTING), psutil.Process())

    monkeypatch.setattr(jobs, "start", start)
    return begun


def test_a_job_that_began_while_a_cohort_was_lent_gives_nothing_once_it_was_taken_back(house, browsers, large):
    """Nor can who waited for it stop it; it goes on for those whose cohort it is."""
    _, store = house
    with lent(store, "evaluate", target="sbp") as (asked, take_back), shared.connection(browsers[BOB]) as tab:
        text = heard(tab, asked)
        assert "computed once and kept" in text
        assert [words[:2] for words in large] == [["store", "compute"]]
        place = Path(large[0][large[0].index("--out") + 1])
        poll = BackMsg()
        poll.CopyFrom(asked)
        poll.rerun_script.fragment_id = re.findall(r'fragment_id: "([0-9a-f]+)"', text)[-1]
        poll.rerun_script.page_script_hash = re.findall(r'page_script_hash: "([0-9a-f]+)"', text)[-1]
        assert "Starting" in heard(tab, poll)
        stop = BackMsg()
        stop.CopyFrom(poll)
        press = stop.rerun_script.widget_states.widgets.add()
        press.id, press.trigger_value = re.findall(r'id: "(\$\$ID[^"]*-stop-[^"]*)"', text)[-1], True
        take_back()
        told = heard(tab, stop)
        assert "is not here" in told, "the whole page is drawn, not the part of it that shows how far the job is"
        assert "Starting" not in told
        assert not (place / jobs.STOP).exists()
        assert main(large[0]) == 0
        told = heard(tab, asked)
        assert "MAE" not in told
        assert not shared.media(told)
    anns = shared.shown(browsers[ANN], "evaluate", f"cohort={theirs(store)[0].key}&target=sbp")
    assert "MAE" in anns
    assert len(large) == 1


# What a page passes over


def test_a_key_of_anothers_is_written_down_wherever_it_is_sent(house, browsers):
    """On an address whose page shows no such thing, and as what a widget is told to hold, or is called."""
    _, store = house
    (cohort, item, chosen), mine = theirs(store), store.cohort("Van of Bob")
    keys = (cohort.key, item.key, chosen.key, f"7-{cohort.key}")

    def noted(message):
        before = [line["n"] for line in shared.log_lines()][-1]
        with shared.connection(browsers[BOB]) as tab:
            told = heard(tab, message)
        assert not any(word in told for word in ("Clinic of Ann", "C000_"))
        return [line["about"] for line in shared.log_lines() if line["n"] > before and line["what"] == "refused"]

    def asks(query=f"cohort={mine.key}"):
        message = BackMsg()
        message.rerun_script.page_name, message.rerun_script.query_string = "explore", query
        return message

    for key in keys:
        for query in (f"cohort={mine.key}&photograph={key}", f"cohort={mine.key}&run={key.replace('-', '%2D')}"):
            assert noted(asks(query)) == [f"key {key}"]
        for tell in (
            lambda state, key: setattr(state, "string_value", key),
            lambda state, key: state.string_array_value.data.append(key),
            lambda state, key: setattr(state, "json_value", json.dumps({"step": [key]})),
            lambda state, key: setattr(state, "id", f"$$ID-0a1b-delete-{key}"),
        ):
            message = asks()
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.string_value = "$$ID-0a1b-pick_cohort_selectbox", ""
            tell(state, key)
            assert noted(message) == [f"key {key}"]
    own = store.photographs(mine.id, limit=1).items[0].key
    assert not noted(asks(f"cohort={mine.key}&photograph={own}"))
    message = asks()
    state = message.rerun_script.widget_states.widgets.add()
    state.id, state.string_value = "$$ID-0a1b-find", f"C000_right.jpg {'0' * 20} 1-00000000 {'9' * 15}-00000000"
    assert not noted(message), "a name is a word that anybody may type, and these are keys of nothing"


def test_thousands_of_keys_in_a_message_hide_none(house, browsers):
    _, store = house
    message = BackMsg()
    message.rerun_script.page_name = "cohorts"
    state = message.rerun_script.widget_states.widgets.add()
    state.id, state.string_value = "x", " ".join(f"{n}-00000000" for n in range(1000)) + f" {theirs(store)[0].key}"
    before = refusals()
    with shared.connection(browsers[BOB]) as tab:
        heard(tab, message)
    assert refusals() - before == 1
    assert shared.log_lines()[-1]["about"] == "key +1"


def test_no_address_leads_out_of_what_is_served(browsers):
    steps = ("../" * 8, "..%2f" * 8, "%2e%2e/" * 8, "..%5c" * 8, "....//" * 8, "%252e%252e%252f" * 8)
    for place in ("/static/", "/media/", "/component/x/", "/_stcore/bidi-components/x/", "/app/static/", "/"):
        for step in steps:
            for file in (str(home.folder() / people.FILE).lstrip("/"), "etc/passwd"):
                answer = browsers[BOB].get(f"{place}{step}{file}")
                assert "root:" not in answer.text, (place, step)
                assert "stewards" not in answer.text, (place, step)


# Cookies


def altered(signed):
    """The same cookie with its signature written otherwise: unused bits, letters that no reader counts, padding."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(signed[-1])
    told, _, signature = signed.rpartition(".")
    return [f"{told}.{signature[:-1]}{alphabet[last ^ bit]}" for bit in (1, 2, 3)] + [
        f"{told}.{signature[:9]}!{signature[9:]}",
        f"{told}.{signature}=",
    ]


def test_a_cookie_that_was_signed_out_with_holds_in_no_other_writing(house):
    client, _ = house
    kept = cookie(signing(), BOB, nonce="altered")

    def opens(value):
        return client.get("/_stcore/health", headers={"cookie": f'_streamlit_user="{value}"'}).status_code == 200

    assert opens(kept)
    assert sum(map(opens, altered(kept))) > 1, "it can be written otherwise, else this tries nothing"
    client.get("/auth/logout", headers={"cookie": f"_streamlit_user={altered(kept)[0]}"})
    before = refusals()
    assert not any(map(opens, [kept, *altered(kept)]))
    assert refusals() - before == 6


def pieces(name, number):
    """A cookie that was too large for one, as Streamlit writes it: how many pieces there are, and these."""
    claims = json.dumps({"is_logged_in": True, "email": name, "origin": shared.ORIGIN, "number": number})
    half = len(claims) // 2
    told = {"_streamlit_user": "chunks-2", "_streamlit_user_1": claims[:half], "_streamlit_user_2": claims[half:]}
    return {key: URLSafeTimedSerializer(signing(), salt=key).dumps(value) for key, value in told.items()}


def test_a_cookie_in_pieces_is_gone_with_each_of_them(house, monkeypatch):
    client, _ = house
    stamp, now = "itsdangerous.timed.TimestampSigner.get_timestamp", int(time.time())
    with monkeypatch.context() as patch:
        patch.setattr(stamp, lambda self: now - 1)  # both in one second
        anns, bobs = pieces(ANN, 1), pieces(BOB, 2)
        patch.setattr(stamp, lambda self: now - 2)
        again = pieces(ANN, 3)

    def opens(told):
        value = "; ".join(f"{key}={one}" for key, one in told.items())
        return client.get("/_stcore/health", headers={"cookie": value}).status_code == 200

    assert opens(anns)
    assert opens(bobs)
    assert client.get("/auth/logout", headers={"cookie": "; ".join(f"{k}={v}" for k, v in anns.items())}).is_redirect
    assert not opens(anns)
    assert not opens({**anns, "_streamlit_user": bobs["_streamlit_user"]})
    assert not opens({**anns, "_streamlit_user_1": again["_streamlit_user_1"]})
    assert opens(bobs), "another's sign-in of the same second stays"
    assert opens(again)


def test_a_cookie_travels_by_tls_whatever_it_holds():
    assert guard._by_tls(b"set-cookie", b"x=insecure; Path=/").endswith(b"; Secure")
    assert guard._by_tls(b"set-cookie", b"x=1; Secure; Path=/") == b"x=1; Secure; Path=/"
    assert guard._by_tls(b"content-type", b"text/html") == b"text/html"


# Names


@pytest.mark.parametrize(
    "told",
    [
        "ann@eye.example\x00",
        "ann@eye.example\u200b",
        "\u212aann@eye.example",
        "a\uff4en@eye.example",
        "wei\u00df@eye.example",
        "\u017fue@eye.example",
        "o\ufb03ce@eye.example",
    ],
)
def test_a_name_that_only_looks_like_anothers_is_nobodys(monkeypatch, told):
    """What folds to letters of ASCII, or to another's form, would make two people one."""
    monkeypatch.setenv("FUNDUS_LAB_SHARED", "1")
    monkeypatch.setenv("FUNDUS_LAB_TRUSTED_HEADER", "X-Remote-User")
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.2")
    asked = scope()
    asked["headers"] = [(b"x-remote-user", told.encode())]
    assert sign_in.name_of(asked) == ""


def test_a_header_of_the_proxy_in_two_writings_counts_for_nothing(house, monkeypatch):
    client, _ = house
    monkeypatch.setenv("FUNDUS_LAB_TRUSTED_HEADER", "X-Remote-User")
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.2")
    proxy, stranger = (shared.TestClient(client.app, client=(at, 4000)) for at in ("10.0.0.2", "10.0.0.3"))
    proxy.portal = stranger.portal = client.portal
    before = refusals()
    for told in (
        [("X-Remote-User", ANN), ("x-remote-user", ANN)],
        [("X-REMOTE-USER", BOB), ("X-Remote-User", ANN)],
        [("X_Remote_User", ANN)],
        [("X-Remote-User", ""), ("X-Remote-User", ANN)],
    ):
        assert proxy.get("/_stcore/health", headers=told).status_code in (401, 403)
    for told in ("10.0.0.2", "10.0.0.2, 10.0.0.3", "127.0.0.1"):
        headers = {"x-remote-user": ANN, "x-forwarded-for": told, "forwarded": f"for={told}", "x-real-ip": told}
        assert stranger.get("/_stcore/health", headers=headers).status_code == 401
    assert refusals() - before == 7
    both = shared.shown(proxy, "cohorts", **{"x-remote-user": f"{BOB}, {ANN}"})  # as some proxies join two headers
    assert not any(word in both for word in ("Clinic of Ann", "Van of Bob"))


@pytest.mark.parametrize(
    "name",
    [
        "../../../people.toml",
        "/etc/passwd",
        "..%2f..%2f..%2fpeople.toml",
        "%2e%2e/%2e%2e/people.toml",
        "..\\..\\people.toml",
        "C:\\people.toml",
        "\u2025/\u2025/people.toml",
        "\uff0e\uff0e/\uff0e\uff0e/people.toml",
        "a/../../../../people.toml",
        "x" * 5000,
        "nul\x00.jpg",
        ".ssh/authorized_keys",
    ],
)
def test_an_upload_lands_in_its_own_batch_whatever_it_is_called(browsers, name):
    token = home.inbox(ANN).new()

    def files():
        return {path for path in home.folder().rglob("*") if path.is_file() and "log" not in path.parts}

    before, said = files(), (home.folder() / people.FILE).read_bytes()
    headers = {"x-file-name": urllib.parse.quote(name)}
    answer = browsers[ANN].put(f"/fundus/upload/{token}/0", content=b"an eye", headers=headers)
    assert answer.status_code in (200, 400, 500)
    for path in files() - before:
        assert path.is_relative_to(home.inbox(ANN).folder / token), path
    assert (home.folder() / people.FILE).read_bytes() == said


# Connections


def heard(tab, message, until="script_finished"):
    """Send a message on a connection and return what comes until something of that kind does, as text."""
    tab.send_bytes(message.SerializeToString())
    told = []
    while not told or told[-1].WhichOneof("type") != until:
        told.append(ForwardMsg.FromString(tab.receive_bytes()))
    return "\n".join(map(str, told))


def asked_of(browser, message, *, until):
    """Send one message on a connection and hear what comes until something of that kind does."""
    with shared.connection(browser) as socket:
        first = BackMsg()
        first.rerun_script.page_name = "cohorts"
        socket.send_bytes(first.SerializeToString())
        while (told := ForwardMsg.FromString(socket.receive_bytes())).WhichOneof("type") != "script_finished":
            if told.HasField("new_session") and message.HasField("backend_operation_request"):
                message.backend_operation_request.session_id = told.new_session.initialize.session_id
        socket.send_bytes(message.SerializeToString())
        while True:
            forward = ForwardMsg.FromString(socket.receive_bytes())
            if forward.WhichOneof("type") == until:
                return str(forward)


def test_a_download_that_a_page_of_hers_offers_is_hers_alone(house, browsers):
    """Its number is drawn at random; even who has it gets an address that opens for her alone."""
    _, store = house
    cohort, _, _ = theirs(store)
    ann, bob = browsers[ANN], browsers[BOB]
    with shared.connection(ann) as socket:
        message = BackMsg()
        message.rerun_script.page_name = "evaluate"
        message.rerun_script.query_string = f"cohort={cohort.key}&target=sbp"
        socket.send_bytes(message.SerializeToString())
        told = []
        while not told or ForwardMsg.FromString(told[-1]).WhichOneof("type") != "script_finished":
            told.append(socket.receive_bytes())
        text = "\n".join(str(ForwardMsg.FromString(one)) for one in told)
        number = re.findall(r'deferred_file_id: "([0-9a-f]{32})"', text)[-1]
        for_bob = BackMsg()
        for_bob.backend_operation_request.request_id = "1"
        for_bob.backend_operation_request.deferred_file.file_id = number
        answer = asked_of(bob, for_bob, until="backend_operation_response")
        for address in shared.media(answer):
            assert bob.get(address).status_code == 404
            assert ann.get(address).status_code == 200
        assert shared.media(answer)


def test_a_connection_from_another_site_is_refused_with_her_own_cookie(browsers):
    before = refusals()
    for other in ("https://elsewhere.example", "http://testserver.elsewhere.example", "null"):
        assert shared.is_refused(browsers[ANN], origin=other), other
    assert refusals() - before == 3
    assert not shared.is_refused(browsers[ANN], origin=shared.ORIGIN)


@pytest.mark.parametrize(
    "kind",
    [
        "install_skills",
        "dismiss_skills_nudge",
        "clear_cache",
        "load_git_info",
        "set_run_on_save",
        "debug_shutdown_runtime",
        "debug_disconnect_websocket",
    ],
)
def test_nothing_comes_of_messages_that_no_page_of_ours_sends(browsers, monkeypatch, kind):
    """They make the server write, run programs, end, or forget what it has cached for everybody."""
    done = []
    for name in ("_handle_clear_cache_request", "_handle_git_information_request", "_handle_set_run_on_save_request"):
        monkeypatch.setattr(AppSession, name, lambda *_: done.append(kind))
    message = BackMsg()
    if "skills" in kind:
        message.backend_operation_request.request_id = "1"
        getattr(message.backend_operation_request, kind).SetInParent()
    else:
        setattr(message, kind, True)
    page = BackMsg()
    page.rerun_script.page_name = "cohorts"
    before = refusals()
    with shared.connection(browsers[BOB]) as tab:
        assert "Van of Bob" in heard(tab, page)
        tab.send_bytes(message.SerializeToString())
        told = heard(tab, page)
    assert "Van of Bob" in told
    assert "backend_operation_response" not in told
    assert not done
    assert refusals() - before == 1
    assert shared.log_lines()[-1]["about"] == f"message {kind}"


# Archives


def changed(source, target, change):
    """Copy an archive; ``change`` is given each member's name and bytes and returns the bytes, or None to leave it."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for one in old.namelist():
            data = change(one, old.read(one))
            if data is not None:
                new.writestr(one, data)
    return target


@pytest.fixture
def archives(house, tmp_path):
    """Ann's cohort as she exported it, Bob's as he did; and Bob."""
    _, store = house
    ann, bob = (store.asked_by(people.person(name, "")) for name in (ANN, BOB))
    ann.export("Clinic of Ann", tmp_path / "ann.zip")
    bob.export("Van of Bob", tmp_path / "bob.zip")
    yield store, bob, tmp_path
    for one in bob.cohorts():
        if one.name != "Van of Bob":
            bob.delete(one.id)


def test_an_archive_takes_nobodys_name_or_cohort(archives):
    store, bob, folder = archives
    before = {one.id: one for one in store.cohorts()}

    def as_hers(name, data):
        return (
            json.dumps({**json.loads(data), "name": "Clinic of Ann", "owner": ANN}) if name == "cohort.json" else data
        )

    with pytest.raises(UsageError, match="already"):
        bob.import_(changed(folder / "bob.zip", folder / "x.zip", as_hers))
    made = bob.import_(folder / "x.zip", name="Another")
    assert made.owner == BOB
    assert {one.id: one for one in store.cohorts() if one.id != made.id} == before


def test_an_archive_that_claims_hashes_brings_no_bytes_of_hers(archives):
    store, bob, folder = archives
    hers, his = (str(store.hashes(name)[0]) for name in ("Clinic of Ann", "Van of Bob"))
    swapped = changed(
        folder / "bob.zip", folder / "x.zip", lambda _name, data: data.replace(his.encode(), hers.encode())
    )
    with pytest.raises(UsageError, match="lacks the bytes"):  # the line names hers, the file holds his
        bob.import_(swapped, name="Swapped")

    def renamed(name, data):
        return data.replace(his.encode(), hers.encode())

    with zipfile.ZipFile(folder / "bob.zip") as old, zipfile.ZipFile(folder / "y.zip", "w") as new:
        for one in old.namelist():
            new.writestr(one.replace(his, hers), renamed(one, old.read(one)))
    with pytest.raises(UsageError, match="does not have the bytes"):
        bob.import_(folder / "y.zip", name="Renamed")
    assert bob.crop(hers) is None


def test_an_archive_changes_no_picture_and_no_reading_of_hers(archives):
    """He has the same photographs: what models say of them in his file, and what they look like there, stays his."""
    store, bob, folder = archives
    cohort = store.cohort("Clinic of Ann")
    sha256 = str(store.hashes(cohort.id)[0])
    for kind in ("thumbnails", "crops"):
        store.shelf.write(kind, sha256, jpeg("red"))
    pictures = store.crop(sha256).read_bytes()
    store.asked_by(people.person(ANN, "")).export(cohort.id, folder / "hers.zip")
    before = store.table(cohort.id)

    def forged(name, data):
        if name == "readings.jsonl":
            rows = [json.loads(line) for line in data.splitlines()]
            moved = [{**row, "predictions": {"sbp": [999.0, None, None]}} for row in rows]
            return "\n".join(map(json.dumps, moved))
        return data

    with zipfile.ZipFile(changed(folder / "hers.zip", folder / "x.zip", forged), "a") as file:
        for kind in ("thumbnails", "crops"):
            file.writestr(f"{kind}/{sha256}.jpg", jpeg("green"))
    made = bob.import_(folder / "x.zip", name="Same photographs")
    assert float(bob.table(made.id).predicted["sbp"][0]) == 999
    after = store.table(cohort.id)
    for target, values in before.predicted.items():
        assert values.tobytes() == after.predicted[target].tobytes()
    assert store.crop(sha256).read_bytes() == pictures
    bob.delete(made.id)
    assert store.crop(sha256).read_bytes() == pictures
    assert len(store.table(cohort.id)) == len(before)


def test_names_in_an_archive_that_are_paths_write_nothing(archives):
    store, bob, folder = archives
    named = ("../../../people.toml", "/etc/passwd", "..\\..\\x", "a/../../b.jpg")

    def as_paths(name, data):
        if name not in ("photographs.jsonl", "readings.jsonl"):
            return data
        key = "name" if name == "photographs.jsonl" else "photograph"
        rows = [json.loads(line) for line in data.splitlines()]
        known = dict(zip([str(one) for one in names], named, strict=False))
        return "\n".join(json.dumps({**row, key: known.get(row[key], row[key])}) for row in rows)

    names = store.table("Van of Bob").photograph
    said = (home.folder() / people.FILE).read_bytes()
    made = bob.import_(changed(folder / "bob.zip", folder / "x.zip", as_paths), name="../../Paths")
    assert set(named) <= set(bob.table(made.id).photograph)
    bob.export(made.id, folder / "again.zip")
    with zipfile.ZipFile(folder / "again.zip") as file:
        assert not [one for one in file.namelist() if ".." in one or one.startswith("/")]
    assert (home.folder() / people.FILE).read_bytes() == said
    assert not [path for path in home.folder().parent.rglob("*Paths*")]


def test_a_photograph_of_the_store_is_not_hers_to_name_by_its_place(house):
    """Where a server lists a folder that holds the store, its files are still nobody's to read by a path."""
    _, store = house
    bob = store.asked_by(people.person(BOB, ""))
    sha256 = str(store.hashes("Clinic of Ann")[0])
    made = bob.create_cohort("By place")
    try:
        with pytest.raises(UsageError):
            bob.add_photographs(made.id, [NewPhotograph("x.jpg", "photographs/x", "0" * 64, kept=True)])
        assert bob.crop(sha256) is None
    finally:
        bob.delete(made.id)
