"""What a heading says, in English, in Japanese, in the registry's own abbreviations: role, unit, eye, coding."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from functools import lru_cache

from fundus_core.records import Eye
from fundus_core.targets import TARGETS
from fundus_core.truth.units import bare_unit, factor, unit_of


@dataclass(frozen=True, slots=True)
class Meaning:
    """One heading as understood."""

    role: str
    """One of the mapping's roles; empty where the words are not known."""
    confidence: float
    """0..1."""
    reason: str
    """One sentence."""
    unit: str = ""
    """Written in the heading."""
    eye: Eye = Eye.UNKNOWN
    """Written in the heading."""
    coding: tuple[tuple[str, str], ...] = field(default=())
    """Written in the heading: ``(1:男 2:女)``."""


_EXACT = {
    "photograph": "photograph photo photographs photofile photoname photographname file filename filenames filepath image imagefile imagename imagepath"
    " imageid imgid img imgname imgpath imgfile path fundus fundusimage fundusphoto fundusphotograph picture jpg imagefilename 画像 画像名 画像id"
    " 画像ファイル 画像ファイル名 ファイル ファイル名 眼底写真 眼底画像 写真 写真名 パス 画像パス 撮影画像",
    "patient_id": "patientid patient pid pat patid patientno patientnumber patientcode subject subjectid subjectno subj subjid participant participantid"
    " caseid caseno case id personid person studyid eid sid recordid hospitalid mrn medicalrecordnumber medicalrecordno chartno chartid chartnumber"
    " 患者id 患者番号 患者 患者no 患者コード 被験者 被験者id 被験者番号 対象者id 対象者番号 受診者id 受診者番号 受診番号 症例 症例番号 症例id id番号 カルテ番号 カルテno カルテid"
    " 診察券番号 診察券no 研究id 匿名id 匿名化id 整理番号 個人id 健診番号 登録番号 仮名id 識別番号 識別id",
    "eye": "eye eyes side laterality lat eyeside lefteyerighteye leftright rightleft lr rl odos osod eyelaterality 左右 左右眼 眼 左右別 眼側 患眼 検査眼 測定眼 撮影眼 対象眼 側",
    "sbp": "sbp systolic systolicbp systolicbloodpressure systolicpressure bpsystolic systolicblood sysbp bpsys sys sbpmean meansbp avgsbp bps psys systbp"
    " 収縮期血圧 収縮期 最高血圧 最大血圧 上の血圧 血圧上 血圧最高 血圧収縮期 最高血圧値 収縮期血圧値 血圧高 血圧最大",
    "dbp": "dbp diastolic diastolicbp diastolicbloodpressure diastolicpressure bpdiastolic diabp bpdia dia dbpmean meandbp avgdbp bpd pdia diasbp"
    " 拡張期血圧 拡張期 最低血圧 最小血圧 下の血圧 血圧下 血圧最低 血圧拡張期 最低血圧値 拡張期血圧値 血圧低 血圧最小",
    "glucose": "glucose bloodglucose bloodsugar plasmaglucose serumglucose glucoselevel bs bg glu gluc fbs fbg fpg fastingglucose fastingbloodglucose"
    " fastingplasmaglucose fastingbloodsugar bsl rbs rbg gluf pg 血糖 血糖値 空腹時血糖 空腹時血糖値 グルコース 随時血糖 随時血糖値 食後血糖 食後血糖値 血中グルコース 早朝空腹時血糖 血清グルコース 血漿グルコース glucosefasting",
    "waist": "waist waistcircumference waistcirc waistcm wc ac abdominalcircumference abdominalgirth waistgirth abdcirc waistline 腹囲 ウエスト ウエスト周囲径 ウェスト 胴囲 腹囲実測 腹部周囲径 へそ周囲径",
    "bmi": "bmi bodymassindex 体格指数 肥満指数 bmi値 quetelet",
    "age": "age ages ageyears ageyear ageyr ageyrs ageatexam ageatvisit ageatimaging patientage currentage 年齢 年令 満年齢 歳 受診時年齢 検査時年齢 撮影時年齢 健診時年齢 alter edad",
    "sex": "sex gender sexcode gendercode sexmf patientsex patientgender biologicalsex issex 性別 性 男女 男女別 性別コード female isfemale sexfemale femalesex male ismale sexmale 女性 男性 geschlecht sexe",
    "height": "height heightcm bodyheight stature ht bh 身長 身長値 heightm",
    "weight": "weight weightkg bodyweight bw wt bodymass 体重 体重値",
    "blood_pressure": "bp bloodpressure bpmmhg 血圧 血圧値 restingbp officebp",
    "birth_date": "birthdate dateofbirth dob birthday birth birthdt patientbirthdate 生年月日 誕生日 出生日 生年月",
    "exam_date": "examdate examinationdate dateofexam dateofexamination visitdate dateofvisit studydate acquisitiondate imagedate imagingdate photodate date"
    " capturedate shootingdate checkupdate testdate measurementdate 撮影日 検査日 健診日 受診日 測定日 実施日 検診日 来院日 日付 健診年月日 受診年月日 検査年月日 撮影年月日",
    "personal": "name patientname fullname firstname lastname familyname givenname surname middlename initials address homeaddress street city zip zipcode postcode"
    " postalcode phone phonenumber telephone tel mobile cell fax email mail emailaddress ssn socialsecuritynumber nationalid insurancenumber insuranceno passport"
    " doctor physician attending referringphysician operator examiner comment comments remarks remark note notes freetext memo findings"
    " 氏名 名前 患者名 患者氏名 姓 名 姓名 被験者名 受診者名 受診者氏名 対象者名 カナ カナ氏名 氏名カナ フリガナ ふりがな ヨミガナ 漢字氏名 氏名漢字 住所 現住所 自宅住所 郵便番号 電話 電話番号 携帯"
    " 携帯番号 携帯電話 連絡先 メール メールアドレス eメール 保険証番号 保険者番号 被保険者番号 マイナンバー 個人番号 主治医 担当医 医師名 担当者 検者 備考 コメント 所見 メモ 自由記載 勤務先 会社名 イニシャル 続柄",
}
_BY_COMPACT = {word: role for role, words in _EXACT.items() for word in words.split()}
_HOSPITAL_NUMBER = re.compile(r"mrn|medicalrecord|chart|hospitalid|カルテ|診察券")

_OTHER = (
    (
        re.compile(
            r"hba1c|hb\s?a1c|\ba1c\b|glycated|glycosylated|ヘモグロビン|グリコアルブミン|glycoalbumin|fructosamine"
        ),
        "HbA1c is not glucose: kept for grouping.",
    ),
    (re.compile(r"尿|\burin"), "A urine value is not a blood value: kept for grouping."),
    (
        re.compile(
            r"薬|内服|服用|降圧|治療|処方|medic|\bdrug|\bmeds?\b|treat|therap|on insulin|インスリン|insulin"
        ),
        "About treatment: kept for grouping.",
    ),
    (
        re.compile(
            r"既往|診断|疾患|病歴|病名|histor|diagnos|disease|onset|発症|hypertension|(?<!最)[高低]血圧|diabet|糖尿"
        ),
        "About a diagnosis: kept for grouping.",
    ),
    (
        re.compile(r"眼圧|\biop\b|intraocular"),
        "Pressure in the eye is not blood pressure: kept for grouping.",
    ),
    (
        re.compile(r"脈圧|pulse pressure|平均血圧|\bmap\b|mean arterial|mean blood pressure|mean bp"),
        "Neither systolic nor diastolic pressure: kept for grouping.",
    ),
    (
        re.compile(
            r"predict|\bpred\b|予測|推定|estimat|expected|residual|\blow(er)?\b|\bupper\b|\berror\b|誤差|\bz\b$"
        ),
        "Not a measured value: kept for grouping only.",
    ),
    (
        re.compile(
            r"判定|区分|分類|階級|階層|カテゴリ|群$|年代|categor|class|grade|group|stage|bracket|quartile|tertile|quintile|percentile|score"
        ),
        "A class, not a measurement: kept for grouping.",
    ),
    (
        re.compile(
            r"\b(sd|std|se|sem|n|count|unit|units)$|単位|標準偏差|測定回数|測定機|\bdevice\b|\barm\b|方法|method"
        ),
        "About the measurement, not its value: kept for grouping.",
    ),
    (
        re.compile(
            r"\bhip\b|\bratio\b|ヒップ|臀囲|胸囲|首囲|chest|neck|身長比|waist to|whr|whtr|birth ?weight|出生体重|gestational|在胎"
        ),
        "Another measure than the targets: kept for grouping.",
    ),
)
_CONTAINS = (
    ("sbp", re.compile(r"収縮期|最高血圧|最大血圧|血圧.{0,3}(?:最高|最大|上)|\bsbp\b|systol")),
    ("dbp", re.compile(r"拡張期|最低血圧|最小血圧|血圧.{0,3}(?:最低|最小|下)|\bdbp\b|diastol")),
    ("glucose", re.compile(r"血糖|グルコース|glucose|blood sugar|\b(?:fbs|fbg|fpg)\b")),
    ("waist", re.compile(r"腹囲|ウエスト|ウェスト|waist|abdominal (?:circumference|girth)")),
    ("bmi", re.compile(r"\bbmi\b|body mass index|体格指数")),
    (
        "photograph",
        re.compile(
            r"ファイル名|画像名|画像ファイル|file ?name|image ?(?:name|file|path)|photo ?(?:name|file|path)|眼底(?:写真|画像)|\b(?:photo|photograph|image|img|picture)\b"
        ),
    ),
    ("birth_date", re.compile(r"生年月日|date of birth|birth ?date|\bdob\b")),
    (
        "exam_date",
        re.compile(
            r"(?:撮影|検査|健診|受診|測定|検診)(?:年月)?日|(?:exam|visit|study|imaging|checkup) date|date of (?:exam|visit)"
        ),
    ),
    (
        "personal",
        re.compile(
            r"氏名|住所|電話|郵便|メール|フリガナ|保険|patient(?:'?s)? name|\bphone\b|e-?mail|address|first name|last name|full name|\bname$(?<!file name)"
        ),
    ),
    (
        "patient_id",
        re.compile(
            r"患者.{0,3}(?:id|番号|no)|(?:patient|subject|participant|person) ?(?:id|no|number|code)|症例番号|カルテ番号|診察券"
        ),
    ),
    ("age", re.compile(r"年齢|年令|\bage\b")),
    ("sex", re.compile(r"性別|\b(?:sex|gender)\b")),
    ("height", re.compile(r"身長|\bheight\b")),
    ("weight", re.compile(r"体重|\bweight\b")),
    ("blood_pressure", re.compile(r"^血圧|blood pressure|\bbp\b")),
    ("eye", re.compile(r"左右|\blaterality\b|\beye\b")),
)
_BRACKETS = re.compile(r"[(\[{<【「〔](.*?)[)\]}>】」〕]")
_TELLING = frozenset(("上", "下", "最高", "最低", "収縮期", "拡張期", "systolic", "diastolic", "sys", "dia"))
_RIGHT = frozenset(("r", "right", "od", "re", "右", "右眼", "右目"))
_LEFT = frozenset(("l", "left", "os", "le", "左", "左眼", "左目"))
_JAPANESE_EYE = re.compile(r"^(右|左)(?:眼|目)?の?(?=.)|(?<=.)(右|左)(?:眼|目)?$")
_REPEAT = re.compile(
    r"(?:[\s_.\-]*(?:\d|\d回目|第\d回|visit ?\d|v\d|baseline|bl|mean|avg|average|平均|値|測定値|value|result|結果))+$"
)
_CODING = re.compile(
    r"(?<![0-9a-z])([0-9a-z])\s?[:=.\s)）]?\s?(男性?|女性?|female|male|f|m|right|left|右眼?|左眼?|[rl]|od|os)(?![a-z])"
)


def spread(heading: str) -> str:
    """Return the heading in one width and case, its words (also ``camelCase``) apart by blanks.

    >>> spread("SystolicBP_mean"), spread("収縮期血圧（ｍｍＨｇ）")
    ('systolic bp mean', '収縮期血圧(mm hg)')
    """
    text = unicodedata.normalize("NFKC", heading)
    text = re.sub(r"(?<=[a-z]{2})(?=[A-Z])", " ", text)
    return " ".join(re.sub(r"[_\s]+", " ", text.casefold()).split())


@lru_cache(maxsize=4096)
def understand(heading: str) -> Meaning:
    """Return what a heading means; the role is empty where it is not known."""
    text = spread(heading)[:200]
    bare, unit, coding, inside = _without_brackets(text)
    if not unit:
        bare, unit = bare_unit(bare)
    bare, eye = _without_eye(bare, inside)
    meaning = _role(bare.strip(), text)
    if meaning.role in TARGETS or meaning.role in ("height", "weight", "blood_pressure"):
        unit = unit if factor(meaning.role, unit) is not None else ""
        meaning = replace(meaning, unit=unit)
    return replace(meaning, eye=eye, coding=coding)


def _without_brackets(text: str) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
    inside = " ".join(_BRACKETS.findall(text))
    unit = next((u for part in _BRACKETS.findall(text) if (u := unit_of(part))), "")
    bare = " ".join(_BRACKETS.sub(lambda part: f" {part[1]}" if part[1] in _TELLING else " ", text).split())
    coding = tuple((code, _decoded(word)) for code, word in _CODING.findall(inside or text))
    tail = re.search(r"[,、:/]\s?([^,、:/]+(?:/[^,、:/]+)?)$", bare)
    if not unit and tail and (unit := unit_of(tail[1])):
        bare = bare[: tail.start()]
    return bare or inside, unit, coding if len(coding) > 1 else (), inside


def _decoded(word: str) -> str:
    if word in ("r", "od", "right") or word.startswith("右"):
        return "right"
    if word in ("l", "os", "left") or word.startswith("左"):
        return "left"
    return "female" if word in ("f", "female") or word.startswith("女") else "male"


def _without_eye(text: str, inside: str) -> tuple[str, Eye]:
    for words, eye in ((_RIGHT, Eye.RIGHT), (_LEFT, Eye.LEFT)):
        if inside.strip() in words:
            return text, eye
    tokens = re.split(r"[\s.\-]+", text)
    if len(tokens) > 1:
        for words, eye in ((_RIGHT, Eye.RIGHT), (_LEFT, Eye.LEFT)):
            for end in (0, -1):
                if tokens[end] in words:
                    rest = tokens[1:] if end == 0 else tokens[:-1]
                    return _drop_word_eye(" ".join(rest)), eye
    found = _JAPANESE_EYE.search(text)
    if found and "左右" not in text and "右左" not in text:
        eye = Eye.RIGHT if "右" in found[0] else Eye.LEFT
        return (text[: found.start()] + text[found.end() :]).strip(" _-."), eye
    return text, Eye.UNKNOWN


def _drop_word_eye(text: str) -> str:
    return re.sub(r"(?:^| )eye(?= |$)", "", text).strip() or text


def _role(bare: str, whole: str) -> Meaning:
    compact = re.sub(r"[\W_]+", "", bare)
    if compact in _BY_COMPACT and compact not in _OTHER_EXACT:
        return _exact(compact, 0.95)
    for pattern, reason in _OTHER:
        if pattern.search(whole):
            return Meaning("covariate", 0.9, reason)
    shorter = re.sub(r"[\W_]+", "", _REPEAT.sub("", bare))
    if shorter and shorter != compact and shorter in _BY_COMPACT:
        return _exact(shorter, 0.8)
    for role, pattern in _CONTAINS:
        if pattern.search(bare):
            return Meaning(role, 0.75, f"The heading contains words for {spoken(role)}.")
    return Meaning("", 0.0, "")


_OTHER_EXACT = frozenset(("map", "insulin"))
_SHORT = frozenset(
    (
        "ac",
        "bs",
        "bg",
        "pg",
        "ht",
        "bh",
        "bw",
        "wt",
        "sys",
        "dia",
        "bps",
        "bpd",
        "wc",
        "dia",
        "id",
        "date",
        "file",
        "lat",
        "case",
        "path",
        "bp",
    )
)


def _exact(compact: str, confidence: float) -> Meaning:
    role = _BY_COMPACT[compact]
    if compact in _SHORT:
        return Meaning(role, confidence - 0.2, f"The abbreviation '{compact}' usually means {spoken(role)}.")
    return Meaning(role, confidence, f"The heading means {spoken(role)}.")


def is_hospital_number(heading: str) -> bool:
    """Return whether the heading names a number that a hospital knows the patient by."""
    return bool(_HOSPITAL_NUMBER.search(re.sub(r"[\W_]+", "", spread(heading))))


_SPOKEN = {
    "photograph": "the photograph's name",
    "patient_id": "the patient's id",
    "eye": "which eye",
    "blood_pressure": "systolic and diastolic pressure in one cell",
    "height": "body height",
    "weight": "body weight",
    "birth_date": "the date of birth",
    "exam_date": "the date of the examination",
    "personal": "personal data",
    "sex": "sex",
}


def spoken(role: str) -> str:
    """Return the role in words for a sentence."""
    return _SPOKEN.get(role) or (TARGETS[role].name if role in TARGETS else role)
