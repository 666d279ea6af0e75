"""Words of headings, English and Japanese, folded: full width, upper case and blanks are gone."""

import re
import unicodedata
from collections.abc import Mapping

from fundus_core.targets import TARGETS, Derived, own

_WORDS = {
    "photograph": (
        "画像番号 画像no 撮影画像名 写真番号 dateiname bild bilddatei nomdefichier fichier archivo photoid "
        "photograph photo photographs photofile photoname photographname file filename filenames "
        "filepath image imagefile imagename imagepath imageid imgid img imgname imgpath imgfile "
        "path fundus fundusimage fundusphoto fundusphotograph picture jpg imagefilename 画像 "
        "画像名 画像id 画像ファイル 画像ファイル名 ファイル ファイル名 眼底写真 眼底画像 写真 "
        "写真名 パス 画像パス 撮影画像"
    ),
    "patient_id": (
        "被検者 被検者id 被検者番号 被検者no "
        "patientid patient pid pat patid patientno patientnumber patientcode subject subjectid "
        "subjectno subj subjid participant participantid caseid caseno case id personid person "
        "studyid eid sid recordid hospitalid mrn medicalrecordnumber medicalrecordno chartno "
        "chartid chartnumber 患者id 患者番号 患者 患者no 患者コード 被験者 被験者id 被験者番号 "
        "対象者id 対象者番号 受診者id 受診者番号 受診番号 症例 症例番号 症例id id番号 カルテ番号 "
        "カルテno カルテid 診察券番号 診察券no 研究id 匿名id 匿名化id 整理番号 個人id 健診番号 "
        "登録番号 仮名id 識別番号 識別id"
    ),
    "eye": (
        "eye eyes side laterality lat eyeside lefteyerighteye leftright rightleft lr rl odos osod "
        "eyelaterality 左右 左右眼 眼 左右別 眼側 患眼 検査眼 測定眼 撮影眼 対象眼 側"
    ),
    "height": ("größe grösse groesse körpergröße taille height heightcm bodyheight stature ht bh 身長 身長値 heightm"),
    "weight": ("gewicht körpergewicht poids peso weight weightkg bodyweight bw wt bodymass 体重 体重値"),
    "blood_pressure": ("bp bloodpressure bpmmhg 血圧 血圧値 restingbp officebp"),
    "birth_date": ("birthdate dateofbirth dob birthday birth birthdt patientbirthdate 生年月日 誕生日 出生日 生年月"),
    "exam_date": (
        "examdate examinationdate dateofexam dateofexamination visitdate dateofvisit studydate "
        "acquisitiondate imagedate imagingdate photodate date capturedate shootingdate "
        "checkupdate testdate measurementdate 撮影日 検査日 健診日 受診日 測定日 実施日 検診日 "
        "来院日 日付 健診年月日 受診年月日 検査年月日 撮影年月日"
    ),
    "visit": (
        "visit visitid visitno visitnumber visitname visitcode timepoint wave examno examnumber examround session "
        "受診回 受診回数 回次 健診回 検査回 来院回 時点 受診年度 健診年度 年度"
    ),
    "personal": (
        "name patientname fullname firstname lastname familyname givenname surname middlename "
        "initials address homeaddress street city zip zipcode postcode postalcode phone "
        "phonenumber telephone tel mobile cell fax email mail emailaddress ssn "
        "socialsecuritynumber nationalid insurancenumber insuranceno passport doctor physician "
        "attending referringphysician operator examiner comment comments remarks remark note "
        "notes freetext memo findings 氏名 名前 患者名 患者氏名 姓 名 姓名 被験者名 受診者名 "
        "受診者氏名 対象者名 カナ カナ氏名 氏名カナ フリガナ ふりがな ヨミガナ 漢字氏名 氏名漢字 "
        "住所 現住所 自宅住所 郵便番号 電話 電話番号 携帯 携帯番号 携帯電話 連絡先 メール "
        "メールアドレス eメール 保険証番号 保険者番号 被保険者番号 マイナンバー 個人番号 主治医 "
        "担当医 医師名 担当者 検者 備考 コメント 所見 メモ 自由記載 勤務先 会社名 イニシャル 続柄"
    ),
}


def compact(heading: str) -> str:
    """Return the letters and digits of a heading, in small letters of usual width."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", heading).casefold())


BY_WORD: Mapping[str, str] = Derived(
    lambda: {
        **{compact(word): name for name, one in TARGETS.items() for word in (name, *one.headings)},
        **{word: role for role, words in _WORDS.items() for word in words.split()},
    }
)
"""Role by the whole heading, letters and digits only."""

OTHERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"hba1c|hb\s?a1c|\ba1c\b|glycated|glycosylated|ヘモグロビン|グリコアルブミン|"
            r"glycoalbumin|fructosamine"
        ),
        "HbA1c is not glucose: kept for grouping.",
    ),
    (
        re.compile(r"尿|\burin"),
        "A urine value is not a blood value: kept for grouping.",
    ),
    (
        re.compile(
            r"薬|内服|服用|降圧|治療|処方|medic|\bdrug|\bmeds?\b|treat|therap|on insulin|インスリン|"
            r"insulin"
        ),
        "About treatment: kept for grouping.",
    ),
    (
        re.compile(
            r"既往|診断|疾患|病歴|病名|histor|diagnos|disease|onset|発症|hypertension|"
            r"(?<!最)[高低]血圧|diabet|糖尿"
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
            r"predict|\bpred\b|予測|推定|estimat|expected|residual|\berror\b|"
            r"誤差|\bz\b$"
        ),
        "Not a measured value: kept for grouping only.",
    ),
    (
        re.compile(
            r"判定|区分|分類|階級|階層|カテゴリ|群$|年代|categor|class|grade|group|stage|bracket|"
            r"quartile|tertile|quintile|percentile|score"
        ),
        "A class, not a measurement: kept for grouping.",
    ),
    (
        re.compile(
            r"\b(sd|std|se|sem|n|count|unit|units)$|単位|標準偏差|測定回数|測定機|\bdevice\b|"
            r"方法|method"
        ),
        "About the measurement, not its value: kept for grouping.",
    ),
    (
        re.compile(
            r"\bhip\b|\bratio\b|ヒップ|臀囲|胸囲|首囲|chest|neck|身長比|waist to|whr|whtr|"
            r"birth ?weight|出生体重|gestational|在胎"
        ),
        "Another measure than the targets: kept for grouping.",
    ),
)
"""What sounds like a target and is none, with the sentence that says so."""
OWN_PHRASES: Mapping[str, re.Pattern[str]] = Derived(
    lambda: {name: re.compile(one.phrase) for name, one in own().items() if one.phrase}
)
"""What a user has made a target is no longer another thing: ``OTHERS`` are looked for in the rest of the heading."""

_PHRASES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "photograph",
        re.compile(
            r"ファイル名|画像名|画像ファイル|file ?name|image ?(?:name|file|path)|photo ?(?:name|"
            r"file|path)|眼底(?:写真|画像)|\b(?:photo|photograph|image|img|picture)\b"
        ),
    ),
    (
        "birth_date",
        re.compile(r"生年月日|date of birth|birth ?date|\bdob\b"),
    ),
    (
        "exam_date",
        re.compile(
            r"(?:撮影|検査|健診|受診|測定|検診)(?:年月)?日|(?:exam|visit|study|imaging|"
            r"checkup) date|date of (?:exam|visit)"
        ),
    ),
    (
        "personal",
        re.compile(
            r"氏名|住所|電話|郵便|メール|フリガナ|保険|patient(?:'?s)? name|\bphone\b|e-?mail|"
            r"address|first name|last name|full name|\bname$(?<!file name)"
        ),
    ),
    (
        "patient_id",
        re.compile(
            r"患者.{0,3}(?:id|番号|no)|(?:patient|subject|participant|person) ?(?:id|no|number|"
            r"code)|症例番号|カルテ番号|診察券"
        ),
    ),
    (
        "height",
        re.compile(r"身長|\bheight\b"),
    ),
    (
        "weight",
        re.compile(r"体重|\bweight\b"),
    ),
    (
        "blood_pressure",
        re.compile(r"^血圧|blood pressure|\bbp\b"),
    ),
    (
        "eye",
        re.compile(r"左右|\blaterality\b|\beye\b"),
    ),
)
PHRASES: Mapping[str, re.Pattern[str]] = Derived(
    lambda: {**{name: re.compile(one.phrase) for name, one in TARGETS.items() if one.phrase}, **dict(_PHRASES)}
)
"""Role by a part of the heading, the first that fits."""
