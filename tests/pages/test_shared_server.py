"""Two people who are signed in and one who is not, on the whole application: nobody gets what is not theirs.

Each attempt says what is tried; all of them are refused, and the log has every one.
"""

from __future__ import annotations

import time
import urllib.parse
from contextlib import nullcontext

import pytest
from starlette.websockets import WebSocketDisconnect

from fundus_core import jobs
from fundus_core.errors import UsageError
from fundus_core.models import registry
from fundus_core.records import Rule
from fundus_core.store import RefusedError
from pages.parts.models import measuring, training
from pages.parts.shell import asking, guard, home, people, server, sign_in, whose
from tests.pages import shared_server as shared
from tests.pages.conftest import put

ANN, BOB, EVE, OUT = shared.PEOPLE
pytestmark = pytest.mark.filterwarnings(
    "ignore:authlib.jose module", "ignore:get_jwt_config", "ignore:.*HTTP_422", "ignore:Couldn't find"
)
PAGES = ("overview", "new_cohort", "cohorts", "evaluate", "compare", "criteria", "explore", "one_photograph", "present")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Ann's cohort and what its addresses are; Bob has one of his own."""
    folder = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNDUS_LAB_HOME", str(folder))
        patch.setenv("FUNDUS_LAB_SHARED", "1")
        patch.setattr("fundus_core.runs.ensure_worker", lambda store: None)
        (folder / people.FILE).write_text(shared.FILE)
        store = home._whole()
        for name, owner, seed in (("Clinic of Ann", ANN, 1), ("Van of Bob", BOB, 2)):
            store.give(put(store, name, seed=seed), owner)
        with shared.running() as client:
            yield client, store


@pytest.fixture(scope="module")
def browsers(house):
    client, _ = house
    return {name: shared.signed_in(client, name) for name in (ANN, BOB, EVE, OUT)}


def theirs(store):
    """What Ann's things are called."""
    cohort = store.cohort("Clinic of Ann")
    item = store.photographs(cohort.id, limit=1).items[0]
    ann = store.asked_by(people.person(ANN, ""))
    chosen = ann.keep_selection(cohort.id, Rule(names=(item.name,)))
    return cohort, item, chosen


SECRETS = ("Clinic of Ann", "C001", "C000_")


def refusals():
    return sum(line.get("times", 1) for line in shared.log_lines() if line["what"] == "refused")


def test_who_is_not_signed_in_gets_the_sign_in_and_nothing_else(house):
    client, store = house
    cohort, item, chosen = theirs(store)
    html = {"accept": "text/html"}
    asked = [(f"/{page}?cohort={cohort.key}", html) for page in PAGES]
    asked += [(f"/evaluate?cohort={cohort.key}&selection={chosen.key}", html), (f"/explore?photograph={item.key}", {})]
    asked += [("/_stcore/health", {}), ("/_stcore/host-config", {}), ("/_stcore/metrics", {}), ("/media/x.jpg", {})]
    asked += [("/component/x", {}), ("/_stcore/bidi-components/x", {}), ("/app/static/x", {}), ("//media/x.jpg", {})]
    asked += [("/healthz/../media/x.jpg", {}), ("/static/../media/x.jpg", {}), ("/static/..%2fmedia/x.jpg", {})]
    asked += [("/auth/logout", {}), ("/auth/login/", {}), ("/_stcore/agent/x", {}), ("/%2e/media/x.jpg", {})]
    before = refusals()
    for path, headers in asked:
        answer = client.get(path, headers=headers)
        assert answer.status_code in (401, 404), path
        assert not any(word in answer.text for word in SECRETS)
    for method in ("PUT", "POST", "DELETE"):
        assert client.request(method, f"/_stcore/upload_file/{item.key}/x").status_code == 401
        assert client.request(method, "/fundus/upload/token/0").status_code == 401
    assert shared.is_refused(client)
    assert refusals() - before >= len(asked) + 6 + 1 - 3  # those that are normalised to a static path are not found
    assert 'href="auth/login"' in client.get("/", headers=html).text
    assert "サインイン" in client.get("/", headers={**html, "accept-language": "ja"}).text


def cookie(secret, name=ANN, origin=shared.ORIGIN, at=0.0, **claims):
    from itsdangerous import URLSafeTimedSerializer

    told = {"is_logged_in": True, "email": name, "origin": origin, "provider": "default", **claims}
    serializer = URLSafeTimedSerializer(secret, salt="_streamlit_user")
    with pytest.MonkeyPatch.context() as patch:
        if at:
            patch.setattr("itsdangerous.timed.TimestampSigner.get_timestamp", lambda self: int(at))
        return serializer.dumps(__import__("json").dumps(told))


def test_a_forged_or_outdated_cookie_signs_nobody_in(house, browsers):
    client, _ = house
    right = "a secret of more than thirty-two letters"
    ok = cookie(right)
    assert client.get("/_stcore/health", headers={"cookie": f"_streamlit_user={ok}"}).status_code == 200
    tried = {
        "nothing": "",
        "unsigned": "eyJpc19sb2dnZWRfaW4iOiB0cnVlfQ",
        "another secret": cookie("another secret of more than 32 letters"),
        "cut": ok[:-4],
        "another origin": cookie(right, origin="http://elsewhere"),
        "signed out": cookie(right, is_logged_in=False),
        "e-mail not verified": cookie(right, email_verified=False),
        "after its time": cookie(right, at=time.time() - people.session_s() - 60),
        "a group": cookie(right, name="group:retina"),
        "everybody": cookie(right, name="*"),
        "nobody": cookie(right, name=""),
        "not a member": cookie(right, name=OUT),
    }
    for why, value in tried.items():
        told = {"cookie": f"_streamlit_user={value}"}
        before = refusals()
        assert client.get("/_stcore/health", headers=told).status_code in (401, 403), why
        assert shared.is_refused(client, **told), why
        assert refusals() - before == 2, why


def test_names_that_only_the_guard_may_write_count_for_nothing(house, browsers):
    client, _ = house
    spoofs = [guard.PERSON, "X-Fundus-Lab-Person", "x-forwarded-user", "remote-user", "x-streamlit-user"]
    for name in spoofs:
        assert client.get("/_stcore/health", headers={name: ANN}).status_code == 401
        assert shared.is_refused(client, **{name: ANN})
        assert "Clinic of Ann" not in shared.shown(browsers[BOB], "cohorts", **{name: ANN})


def test_a_stranger_sees_nothing_of_a_cohort_by_any_address(house, browsers):
    _, store = house
    cohort, item, chosen = theirs(store)
    bob = browsers[BOB]
    mine = store.cohort("Van of Bob")
    tried = [
        (page, f"cohort={cohort.key}") for page in PAGES if page not in ("overview", "cohorts", "compare", "new_cohort")
    ]
    tried += [
        ("explore", f"cohort={cohort.key}&photograph={item.key}"),
        ("one_photograph", f"cohort={mine.key}&photograph={item.key}"),
        ("explore", f"cohort={mine.key}&selection={chosen.key}"),
        ("explore", f"cohort={cohort.id}"),
        ("evaluate", f"cohort={urllib.parse.quote(cohort.name)}"),
        ("evaluate", f"selection={chosen.key}"),
        ("compare", f"cohorts={cohort.key}&cohorts={mine.key}"),
        ("compare", f"cohorts={chosen.key}"),
        ("stewards", "page=1"),
        ("STEWARDS", "page=1"),
        ("pages/stewards.py", "page=1"),
        ("new_cohort", f"to={cohort.key}"),
        ("one_photograph", f"cohort={cohort.key}&photograph={item.key}"),
        ("cohorts", ""),
        ("overview", ""),
    ]
    for page, query in tried:
        before = refusals()
        text = shared.shown(bob, page, query)
        bare = text.replace(urllib.parse.quote(cohort.name), "").replace(query, "")
        told = [word for word in SECRETS if word in bare]
        if "Clinic" in query.replace("%20", " "):  # the page says back what was asked for
            told = [word for word in told if word != "Clinic of Ann"]
        assert not told, (page, query, told)
        if query:
            assert refusals() > before, (page, query)


def test_pictures_and_files_are_their_viewers_alone(house, browsers):
    _, store = house
    cohort, item, _ = theirs(store)
    ann, bob = browsers[ANN], browsers[BOB]
    from PIL import Image

    with (store.shelf.folder / "x.jpg").open("wb") as file:
        Image.new("RGB", (64, 64), "red").save(file, "JPEG")
    for kind in ("thumbnails", "crops"):
        for sha256 in store.hashes(cohort.id):
            store.shelf.write(kind, str(sha256), (store.shelf.folder / "x.jpg").read_bytes())
    found = shared.media(shared.shown(ann, "one_photograph", f"cohort={cohort.key}&photograph={item.key}"))
    assert found
    for address in found:
        before = refusals()
        assert ann.get(address).status_code == 200
        assert bob.get(address).status_code == 404
        assert bob.head(address).status_code == 404
        assert bob.get(address.replace("/media/", "/media//")).status_code == 404
        assert refusals() - before == 3


def test_uploads_and_connections_are_their_own(house, browsers):
    _, _ = house
    ann, bob = browsers[ANN], browsers[BOB]
    token = home.inbox(ANN).new()
    body = {"content": b"an eye", "headers": {"x-file-name": "a.jpg"}}
    assert bob.put(f"/fundus/upload/{token}/0", **body).status_code == 404
    for wrong in (f"..%2F{token}", f"%2e%2e/{token}", "x"):
        assert bob.put(f"/fundus/upload/{wrong}/0", **body).status_code in (400, 404, 405)
    assert ann.put(f"/fundus/upload/{token}/0", **body).status_code == 200
    shared.shown(ann, "cohorts")
    session = next(key for key, tab in whose._tabs.items() if tab.people == {ANN})
    for method in ("PUT", "DELETE"):
        assert bob.request(method, f"/_stcore/upload_file/{session}/x").status_code == 404
    before = refusals()
    assert shared.is_refused(bob, resumes=session)
    assert not shared.is_refused(ann, resumes=session)
    assert refusals() - before == 1
    assert bob.get("/_stcore/metrics").status_code == 404
    assert ann.get("/_stcore/metrics").status_code == 404


def test_who_has_signed_out_is_out_wherever_the_cookie_is_kept(house):
    client, _ = house
    browser = shared.signed_in(client, BOB)
    kept = {"cookie": "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)}
    assert client.get("/_stcore/health", headers=kept).status_code == 200
    with shared.connection(browser) as socket:
        assert browser.get("/auth/logout").status_code == 302
        socket.send_bytes(b"")
        with pytest.raises(WebSocketDisconnect):
            shared.until_closed(socket)
    assert client.get("/_stcore/health", headers=kept).status_code == 401
    assert shared.is_refused(client, **kept)
    guard._left.cache_clear()  # the server is started anew
    assert client.get("/_stcore/health", headers=kept).status_code == 401
    assert [line["what"] for line in shared.log_lines() if line["who"] == BOB].count("signed out") == 1


def test_folders_of_the_server_are_read_where_they_are_listed_only(house, monkeypatch):
    from pages.parts.shell import people

    assert not people.local()
    assert people.roots() == ()
    monkeypatch.setenv("FUNDUS_LAB_LOCAL", "1")
    assert people.roots() == ()
    monkeypatch.setenv("FUNDUS_LAB_FOLDERS", "/data/eyes")
    assert list(map(str, people.roots())) == ["/data/eyes"]


def test_health_is_open_and_says_nothing(house):
    client, _ = house
    assert (client.get("/healthz").status_code, client.get("/healthz").text) == (200, "ok")


def test_the_log_follows_from_its_start_to_its_end(house):
    assert people.log(home.folder()).verified().fault == 0


def test_who_is_taken_off_the_list_is_out_at_the_next_click(house):
    client, _ = house
    browser = shared.signed_in(client, BOB)
    file = home.folder() / people.FILE
    with shared.connection(browser) as socket:
        file.write_text('members = ["ann@eye.example"]')
        socket.send_bytes(b"")
        with pytest.raises(WebSocketDisconnect):
            shared.until_closed(socket)
    answer = browser.get("/", headers={"accept": "text/html"})
    assert (answer.status_code, "not a member" in answer.text) == (403, True)
    file.write_text("members = 5")  # a mistake lets nobody in
    assert browser.get("/_stcore/health").status_code in (401, 403)
    file.write_text(shared.FILE)
    assert browser.get("/_stcore/health").status_code == 200


def test_a_steward_sees_sizes_and_the_log_and_no_patient(house, browsers):
    text = shared.shown(browsers[EVE], "stewards")
    assert ANN in text
    assert "follow from each other" in text
    assert not any(word in text for word in SECRETS[1:])  # a name that somebody typed in vain is in the log
    assert "Clinic of Ann" not in shared.shown(browsers[EVE], "cohorts")
    assert "follow from each other" not in shared.shown(browsers[BOB], "stewards")


def test_only_a_steward_measures_a_card_or_trains(house, browsers, monkeypatch):
    """The page offers it to nobody else, and what it calls asks again, whoever finds a way to it."""
    _, store = house
    for name, offered in ((BOB, False), (EVE, True)):
        assert ("Edit the card by measuring" in shared.shown(browsers[name], "models")) is True
        assert ("Train a model" in shared.shown(browsers[name], "models")) is offered
    begun = []
    monkeypatch.setattr(jobs, "start", lambda _folder, *words: begun.append(words[:2]))
    card = registry.find("sample-rendered")
    store.give(put(store, "Room of Eve", seed=3), EVE)
    for name, cohort in ((BOB, "Van of Bob"), (EVE, "Room of Eve")):
        asked = store.asked_by(people.person(name, ""))
        token = asking._BOUND.set(people.person(name, ""))
        try:
            for start in (
                lambda asked=asked, cohort=cohort: measuring._start(card, asked.cohort(cohort)),
                lambda asked=asked, cohort=cohort: training._start("trained", asked.cohort(cohort), []),
            ):
                with pytest.raises(RefusedError) if name == BOB else nullcontext():
                    start()
        finally:
            asking._BOUND.reset(token)
        latest = [line["what"] for line in shared.log_lines()[-2:]]
        assert latest == (["refused"] * 2 if name == BOB else ["trained on", "imported"])
        assert len(begun) == (0 if name == BOB else 2)
    ann = store.asked_by(people.person(ANN, ""))
    ann.share("Clinic of Ann", EVE, "read")
    token = asking._BOUND.set(people.person(EVE, ""))
    try:
        lent = store.cohort("Clinic of Ann")
        with pytest.raises(RefusedError):  # a model learns people by heart: its owner lets them be learnt from
            training._start("trained", lent, [])
        with pytest.raises(RefusedError):  # so does its card, for everybody, under the cohort's name
            measuring._start(card, lent)
        assert [line["what"] for line in shared.log_lines()[-2:]] == ["refused", "refused"], "and not as done before"
    finally:
        asking._BOUND.reset(token)
        ann.share("Clinic of Ann", EVE, "")
    assert len(begun) == 2


def test_what_is_shared_is_seen_as_a_reader_sees_it(house, browsers):
    _, store = house
    cohort, _, _ = theirs(store)
    store.asked_by(people.person(ANN, "")).share(cohort.id, "group:retina", "read")
    text = shared.shown(browsers[BOB], "cohorts")
    assert "shared by ann@eye.example" in text
    assert text.count('label: "Delete"') == 1  # of his own
    seen = shared.shown(browsers[BOB], "explore", f"cohort={cohort.key}")
    assert "is not here" not in seen
    assert "Clinic of Ann" in seen
    store.asked_by(people.person(ANN, "")).share(cohort.id, "group:retina", "")
    assert "Clinic of Ann" not in shared.shown(browsers[BOB], "cohorts")


# A proxy's header


def test_the_application_behind_a_proxy_that_signs_people_in(house, monkeypatch):
    client, _ = house
    monkeypatch.setenv("FUNDUS_LAB_TRUSTED_HEADER", "X-Remote-User")
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.2")
    proxy, stranger = (shared.TestClient(client.app, client=(at, 4000)) for at in ("10.0.0.2", "10.0.0.3"))
    proxy.portal = stranger.portal = client.portal
    told = {"x-remote-user": ANN}
    assert "Clinic of Ann" in shared.shown(proxy, "cohorts", **told)
    assert "Clinic of Ann" not in shared.shown(proxy, "cohorts", **{"x-remote-user": BOB})
    before = refusals()
    assert stranger.get("/_stcore/health", headers=told).status_code == 401
    assert shared.is_refused(stranger, **told)
    assert proxy.get("/_stcore/health").status_code == 401
    assert proxy.get("/auth/login").status_code == 401
    right = {"cookie": f"_streamlit_user={cookie('a secret of more than thirty-two letters')}"}
    assert proxy.get("/_stcore/health", headers=right).status_code == 401
    assert refusals() - before == 5


def scope(address="10.0.0.2", port=4000, **headers):
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "headers": told, "client": (address, port), "path": "/"}


def test_a_header_counts_from_the_named_proxy_once_and_from_nobody_else(monkeypatch):
    monkeypatch.setenv("FUNDUS_LAB_SHARED", "1")
    monkeypatch.setenv("FUNDUS_LAB_TRUSTED_HEADER", "X-Remote-User")
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.2,10.1.0.0/16")
    sign_in.check()
    assert sign_in.name_of(scope(x_remote_user="Ann@X")) == "ann@x"
    assert sign_in.name_of(scope("10.1.2.3", x_remote_user="ann@x")) == "ann@x"
    assert sign_in.name_of(scope("10.0.0.9", port=0, x_remote_user="ann@x")) == "ann@x"  # uvicorn put it there
    for other in ("10.0.0.3", "127.0.0.1", "::1"):
        assert sign_in.name_of(scope(other, x_remote_user="ann@x")) == ""
    twice = scope(x_remote_user="ann@x")
    twice["headers"] *= 2
    assert sign_in.name_of(twice) == ""
    for wrong in ("", " ", "*", "group:retina", "a\nb"):
        assert sign_in.name_of(scope(x_remote_user=wrong)) == ""
    assert sign_in.name_of(scope(cookie="_streamlit_user=x")) == ""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "secrets.toml"),
        ({"FUNDUS_LAB_TRUSTED_HEADER": "X-Remote-User"}, "FORWARDED_ALLOW_IPS"),
        ({"FUNDUS_LAB_TRUSTED_HEADER": "X-Remote-User", "FORWARDED_ALLOW_IPS": "*"}, "FORWARDED_ALLOW_IPS"),
    ],
)
def test_a_shared_server_without_a_sign_in_does_not_start(monkeypatch, capsys, settings, words):
    monkeypatch.setenv("FUNDUS_LAB_SHARED", "1")
    monkeypatch.setattr("streamlit.auth_util.secrets_singleton.load_if_toml_exists", lambda: False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        server.require_sign_in()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1


def test_one_s_own_machine_starts_without_one_and_asks_nobody(monkeypatch, tmp_path):
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path))
    monkeypatch.delenv("FUNDUS_LAB_SHARED", raising=False)
    server.require_sign_in()
    assert home.store().person is None
    assert home.cache_scope() == str(tmp_path)


@pytest.mark.parametrize(
    "text", ["stewards = 'ann'", "members = [1]", "[quota]\nphotographs = -1", "= x", "groups = []"]
)
def test_a_people_file_that_cannot_be_understood_lets_nobody_in(monkeypatch, tmp_path, text):
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path))
    (tmp_path / people.FILE).write_text(text)
    with pytest.raises(UsageError, match="must hold"):
        people.known()


def test_the_people_file_says_who_is_what(monkeypatch, tmp_path):
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path))
    assert people.known().may_enter("anybody@x")
    (tmp_path / people.FILE).write_text(shared.FILE + "[quota]\nphotographs = 10\ngigabytes = 0.5\n")
    told = people.person(BOB, "::1")
    assert (told.groups, told.steward, told.most_photographs, told.most_bytes) == ({"retina"}, False, 10, 5e8)
    assert people.person(EVE, "").steward
    assert not people.known().may_enter(OUT)
