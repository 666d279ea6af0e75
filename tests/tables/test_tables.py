# ruff: noqa: E501 - a table a line reads better than a table a page
"""Eighty tables as researchers send them, each with what must come out and what must be said of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from fundus_core.truth import apply, propose, read_table

NAN = float("nan")


@dataclass(frozen=True)
class Case:
    """One table: the text, how it is written, and what is expected."""

    id: str
    text: str
    encoding: str = "utf-8"
    values: dict[str, list[float]] = field(default_factory=dict)
    faults: set[tuple[int, str]] = field(default_factory=set)
    """(row, fault) pairs that must be listed; everything else must not be, but the two kinds below."""
    photograph: list[str] | None = None
    patient_id: list[str] | None = None
    eye: list[str] | None = None
    covariates: dict[str, list[str]] | None = None
    level: str = ""


CASES = [
    Case(
        "rendered cohort's own",
        "photograph,patient_id,eye,site,camera,treated,defect,age,sex,sbp,dbp,glucose,waist,bmi\n"
        "P0001_R.jpg,P0001,right,A,TRC,0,,60,1,130.5,80,95,80,22.1\n"
        "P0002_L.jpg,P0002,left,A,TRC,1,blur,61,0,131.5,81,96,81,22.2\n",
        values={"sbp": [130.5, 131.5], "sex": [1, 0], "bmi": [22.1, 22.2]},
        photograph=["P0001_R.jpg", "P0002_L.jpg"],
        eye=["right", "left"],
        covariates={"site": ["A", "A"], "camera": ["TRC", "TRC"], "treated": ["0", "1"], "defect": ["", "blur"]},
        level="photograph",
    ),
    Case(
        "registry's own",
        "filename,age,AC,SBP,DBP,HDLC,TG,BS,METS\nimg00208509_00_1R.jpg,47,89.4,133,82,54,175,96,1\nimg00208510_00_1L.jpg,50,92,140,85,50,150,88,0\n",
        values={"waist": [89.4, 92], "glucose": [96, 88], "sbp": [133, 140], "dbp": [82, 85], "age": [47, 50]},
        covariates={"HDLC": ["54", "50"], "TG": ["175", "150"], "METS": ["1", "0"]},
    ),
    Case("UTF-8 with mark", "患者ID,収縮期血圧\n1,120\n", "utf-8-sig", {"sbp": [120]}, level="person"),
    Case("Shift_JIS", "患者ID,収縮期血圧,拡張期血圧,血糖値,腹囲,年齢,性別\n1,120,80,95,85,60,女\n", "shift_jis", {"sbp": [120], "dbp": [80], "glucose": [95], "waist": [85], "age": [60], "sex": [1]}),
    Case("CP932 with circled digits", "患者ＩＤ,最高血圧①,最低血圧①,性別\n１,１２０,８０,男性\n", "cp932", {"sbp": [120], "dbp": [80], "sex": [0]}),
    Case("EUC-JP", "患者番号,最高血圧,最低血圧,空腹時血糖\nA1,140,90,110\n", "euc_jp", {"sbp": [140], "dbp": [90], "glucose": [110]}),
    Case("ISO-2022-JP", "患者番号,最高血圧\nA1,140\n", "iso2022_jp", {"sbp": [140]}),
    Case("UTF-16 with mark", "患者ID\t収縮期血圧\n1\t120\n", "utf-16", {"sbp": [120]}),
    Case("UTF-16 without mark", "photograph,SBP,DBP\na.jpg,120,80\n", "utf-16-le", {"sbp": [120], "dbp": [80]}),
    Case("UTF-16 big end without mark", "photograph,SBP,DBP\na.jpg,120,80\n", "utf-16-be", {"sbp": [120]}),
    Case("Latin-1", "patient;Größe (cm);weight;Alter;âge gestationnel\n1;170;70;61;\n2;160;60;55;\n", "latin-1", {"age": [61, 55]}),
    Case("one Japanese word in Shift_JIS", "id,SBP,部署\n1,120,眼科\n", "cp932", {"sbp": [120]}, covariates={"部署": ["眼科"]}),
    Case("half-width katakana in Shift_JIS", "ID,ｶﾅ氏名,SBP\n1,ﾔﾏﾀﾞ ﾊﾅｺ,120\n2,ｽｽﾞｷ ﾀﾛｳ,130\n", "cp932", {"sbp": [120, 130]}, covariates={}),
    Case("semicolon and decimal comma", "patient_id;SBP;BMI\n1;120,5;23,4\n2;130;21,95\n", values={"sbp": [120.5, 130], "bmi": [23.4, 21.95]}),
    Case("tab", "patient_id\tSBP\tBMI\n1\t120.5\t23.4\n", values={"sbp": [120.5], "bmi": [23.4]}),
    Case("bar", "patient_id|SBP|BMI\n1|120.5|23.4\n", values={"sbp": [120.5]}),
    Case("sep= line of Excel", "sep=;\npatient_id;SBP\n1;120\n2;1\n", values={"sbp": [120, NAN]}, faults={(4, "implausible")}),
    Case("quoted decimal comma", 'patient_id,SBP,BMI\n1,"120,5","23,4"\n', values={"sbp": [120.5], "bmi": [23.4]}),
    Case("thousands", 'patient_id,SBP,steps\n1,120,"1,234"\n', values={"sbp": [120]}, covariates={"steps": ["1,234"]}),
    Case("CR line ends", "patient_id,SBP\r1,120\r2,130\r", values={"sbp": [120, 130]}),
    Case("full-width digits and point", "患者ID,BMI,腹囲\n１,２３．５,８５．２\n", values={"bmi": [23.5], "waist": [85.2]}, patient_id=["１"]),
    Case("units in cells", "id,SBP,waist,height,weight\n1,120 mmHg,85cm,170 cm,70kg\n2,130mmHg,33 in,1.60 m,132 lb\n", values={"sbp": [120, 130], "waist": [85, 83.82], "bmi": [24.2215, 23.388]}),
    Case("every word for missing", "id,SBP,DBP,glucose,waist,age\n1,120,80,NA,-,欠損\n2,,n/a,未測定,#N/A,61\n3,130,ー,100,90,--\n", values={"sbp": [120, NAN, 130], "dbp": [80, NAN, NAN], "glucose": [NAN, NAN, 100], "waist": [NAN, NAN, 90], "age": [NAN, 61, NAN]}),
    Case("not numbers", "id,SBP\n1,120\n2,high\n3,12O\n4,130\n5,131\n6,132\n", values={"sbp": [120, NAN, NAN, 130, 131, 132]}, faults={(3, "not_a_number"), (4, "not_a_number")}),
    Case("limits", "id,glucose\n1,95\n2,<70\n3,>600\n4,99\n5,100以上\n6,80\n7,90\n", values={"glucose": [95, NAN, NAN, 99, NAN, 80, 90]}, faults={(3, "censored"), (4, "censored"), (6, "censored")}),
    Case("laboratory flags", "id,glucose\n1,95\n2,126 H\n3,65 L\n4,130*\n", values={"glucose": [95, 126, 65, 130]}),
    Case("quoting", 'photo,sbp,note\na.jpg,120,"x\nb.jpg,130,y\nc.jpg,140,z\n', values={"sbp": [120, 130, 140]}, faults={(2, "quoting")}),
    Case("line break in a heading", 'patient_id,"収縮期血圧\n(mmHg)",腹囲\n1,120,85\n', values={"sbp": [120], "waist": [85]}),
    Case("quote inside a cell", 'id,site,SBP\n1,"St. ""Mary"", ward 3",120\n', values={"sbp": [120]}, covariates={"site": ['St. "Mary", ward 3']}),
    Case("ragged", "photo,sbp,dbp,site\na.jpg,120,80,A\nb.jpg,130\nc.jpg,120,5,80,A\nd.jpg,131,81,B,\n", values={"sbp": [120, 130, 131], "dbp": [80, NAN, 81]}, faults={(3, "ragged_row"), (4, "ragged_row")}, photograph=["a.jpg", "b.jpg", "d.jpg"]),
    Case("same heading, same values", "id,SBP,SBP\n1,120,120\n2,130,130\n", values={"sbp": [120, 130]}, faults={(1, "duplicate_heading")}),
    Case("same heading, other values", "id,SBP,SBP\n1,120,121\n2,130,129\n", values={}, faults={(1, "duplicate_heading"), (0, "unconfirmed"), (0, "no_target")}),
    Case("title rows", "2024年度 健診データ,,\n作成日 2024/04/01,,\n\n患者ID,収縮期血圧,腹囲\n1,120,85\n2,999,86\n", values={"sbp": [120, NAN], "waist": [85, 86]}, faults={(6, "implausible")}),
    Case("two heading rows", "患者ID,血圧,,腹囲\n,収縮期,拡張期,\n1,120,80,85\n", values={"sbp": [120], "dbp": [80], "waist": [85]}),
    Case("units below headings", "ID,SBP,Glucose,Waist\n,kPa,mmol/L,inch\n1,16,5.5,33\n2,18,6.1,35\n", values={"sbp": [120.00992, 135.01116], "glucose": [99.088, 109.8976], "waist": [83.82, 88.9]}),
    Case("no heading", "a.jpg,120,80\nb.jpg,130,85\n", faults={(0, "no_target")}, photograph=["a.jpg", "b.jpg"], covariates={"column 2": ["120", "130"], "column 3": ["80", "85"]}),
    Case("blank lines and totals", "id,SBP\n\n1,120\n\n2,130\n平均,125\n", values={"sbp": [120, 130]}, faults={(6, "summary_row")}, patient_id=["1", "2"]),
    Case("heading again", "id,SBP\n1,120\nid,SBP\n2,130\n", values={"sbp": [120, 130]}, faults={(3, "repeated_heading")}),
    Case("HbA1c is not glucose", "id,HbA1c,血糖値,尿糖,糖尿病,降圧薬\n1,5.6,95,-,なし,あり\n2,6.1,120,+,あり,なし\n", values={"glucose": [95, 120]}, covariates={"HbA1c": ["5.6", "6.1"], "尿糖": ["", "+"], "糖尿病": ["なし", "あり"], "降圧薬": ["あり", "なし"]}),
    Case("HbA1c alone", "id,SBP,HbA1c\n1,120,5.6\n", values={"sbp": [120]}),
    Case("unit in heading, mmol/L", "id,glucose (mmol/L)\n1,5.5\n2,6\n", values={"glucose": [99.088, 108.096]}),
    Case("unit by its numbers, mmol/L", "id,glucose\n1,5.5\n2,6\n3,4.9\n", values={"glucose": [99.088, 108.096, 88.2784]}, faults={(0, "unit_assumed")}),
    Case("unit by its numbers, inches", "id,waist\n1,33\n2,36\n", values={"waist": [83.82, 91.44]}, faults={(0, "unit_assumed")}),
    Case("unit by its numbers, kPa", "id,SBP,DBP\n1,17.3,10.7\n2,16,10\n", values={"sbp": [129.760726, 120.00992], "dbp": [80.256634, 75.0062]}, faults={(0, "unit_assumed")}),
    Case("heading and numbers disagree", "id,SBP,glucose (mg/dL)\n1,120,5.5\n2,130,6.1\n", values={"sbp": [120, 130]}, faults={(0, "unconfirmed")}),
    Case("mixed units", "id,glucose,waist\n1,95,85\n2,5.2,33\n3,101,88\n4,99,90\n", values={"glucose": [95, NAN, 101, 99], "waist": [85, NAN, 88, 90]}, faults={(3, "mixed_units")}),
    Case("mixed units, said in the cells", "id,glucose\n1,95 mg/dL\n2,5 mmol/L\n3,101 mg/dL\n", values={"glucose": [95, 90.08, 101]}),
    Case("height in m and weight in lb", "id,SBP,height_m,weight (lb)\n1,120,1.70,154\n2,130,1.60,132\n", values={"bmi": [24.1706, 23.388]}),
    Case("height and weight by their numbers", "id,SBP,身長,体重\n1,120,170,70\n2,130,160,60\n", values={"bmi": [24.2215, 23.4375]}),
    Case("index against height and weight", "id,height,weight,BMI\n1,170,70,24.2\n2,160,60,32\n3,150,50,22.2\n", values={"bmi": [24.2, NAN, 22.2]}, faults={(3, "contradiction")}),
    Case("age from dates", "id,生年月日,撮影日,SBP\n1,1960-04-01,2020/04/01,120\n2,昭和35年4月1日,2020年10月1日,130\n", values={"age": [60, 60.5], "sbp": [120, 130]}, covariates={}),
    Case("age against dates", "id,age,DOB,exam date,SBP\n1,60,1960-04-01,2020-06-01,120\n2,45,1960-04-01,2020-06-01,130\n", values={"age": [60, NAN]}, faults={(3, "contradiction")}),
    Case("date that is none", "id,生年月日,撮影日,SBP\n1,1960-13-41,2020/04/01,120\n2,S40.1.2,2020/04/01,125\n", values={"age": [NAN, 55.2]}, faults={(2, "not_a_date")}),
    Case("implausible", "id,SBP,DBP,age,BMI,glucose\n1,120,80,60,23,95\n2,999,80,-9,230,95\n3,130,300,61,22,2000\n", values={"sbp": [120, NAN, 130], "dbp": [80, 80, NAN], "age": [60, NAN, 61], "bmi": [23, NAN, 22], "glucose": [95, 95, NAN]}, faults={(3, "implausible"), (4, "implausible")}),
    Case("swapped row", "id,SBP,DBP\n1,120,80\n2,75,125\n3,130,85\n", values={"sbp": [120, NAN, 130], "dbp": [80, NAN, 85]}, faults={(3, "swapped_pressures")}),
    Case("swapped columns", "id,SBP,DBP,age\n1,80,120,60\n2,75,125,61\n3,85,130,62\n", values={"age": [60, 61, 62]}, faults={(0, "unconfirmed")}),
    Case("pressure in one cell", "id,BP\n1,120/80\n2,130／85\n3,140-90\n4,x\n", values={"sbp": [120, 130, 140, NAN], "dbp": [80, 85, 90, NAN]}, faults={(5, "not_a_number")}),
    Case("constant", "id,SBP,age\n1,120,60\n2,120,61\n3,120,62\n", values={"sbp": [120] * 3}, faults={(0, "constant")}),
    Case("empty column", "id,SBP,age\n1,,60\n2,,61\n", values={"sbp": [NAN, NAN]}, faults={(0, "empty_column")}),
    Case("sex in letters", "id,SBP,sex\n1,120,M\n2,130,F\n3,131,f\n4,132,\n", values={"sex": [0, 1, 1, NAN]}),
    Case("sex in words", "id,SBP,gender\n1,120,male\n2,130,Female\n3,131,woman\n4,132,?\n5,120,diverse\n", values={}, covariates={"gender": ["male", "Female", "woman", "?", "diverse"]}),
    Case("sex in Japanese", "id,SBP,性別\n1,120,男\n2,130,女性\n3,131,男性\n", values={"sex": [0, 1, 0]}),
    Case("sex 1 and 2", "id,SBP,sex\n1,120,1\n2,130,2\n", values={"sbp": [120, 130]}, faults={(0, "unconfirmed")}),
    Case("sex 1 and 2, said in the heading", "id,SBP,性別（1:男性 2:女性）\n1,120,1\n2,130,2\n", values={"sex": [0, 1]}),
    Case("sex 0 and 1", "id,SBP,sex\n1,120,0\n2,130,1\n", values={"sex": [0, 1]}),
    Case("column for female", "id,SBP,female\n1,120,0\n2,130,1\n", values={"sex": [0, 1]}),
    Case("column for male", "id,SBP,male\n1,120,0\n2,130,1\n", values={"sex": [1, 0]}),
    Case("eye in letters", "id,eye,SBP\n1,OD,120\n1,OS,121\n2,R,130\n2,L,131\n3,右,140\n3,左眼,141\n", values={"sbp": [120, 121, 130, 131, 140, 141]}, eye=["right", "left"] * 3, level="eye"),
    Case("both eyes", "id,eye,SBP\n1,OU,120\n2,両眼,130\n3,R,131\n", values={"sbp": [120, 130, 131]}, eye=["", "", "right"]),
    Case("wide by eye", "id,SBP_R,SBP_L,age\n1,120,121,60\n2,130,,61\n", values={"sbp": [120, 121, 130, NAN], "age": [60, 60, 61, 61]}, eye=["right", "left"] * 2, patient_id=["1", "1", "2", "2"], level="eye"),
    Case("wide by photograph", "患者ID,右眼画像,左眼画像,収縮期血圧\n1,a_r.jpg,a_l.jpg,120\n2,b_r.jpg,,130\n", values={"sbp": [120, 120, 130]}, photograph=["a_r.jpg", "a_l.jpg", "b_r.jpg"], eye=["right", "left", "right"], level="photograph"),
    Case("duplicate", "photo,SBP\na.jpg,120\na.jpg,120\nb.jpg,130\n", values={"sbp": [120, 120, 130]}, faults={(3, "duplicate")}),
    Case("conflict", "photo,SBP\na.jpg,120\na.jpg,140\nb.jpg,130\n", values={"sbp": [120, 140, 130]}, faults={(2, "conflict"), (3, "conflict")}),
    Case("no key in a row", "photo,SBP\na.jpg,120\n,140\nb.jpg,130\n", values={"sbp": [120, 140, 130]}, faults={(3, "no_key")}),
    Case("two sexes of one person", "photo,patient,sex\na.jpg,1,M\nb.jpg,1,F\n", values={"sex": [0, 1]}, faults={(2, "contradiction"), (3, "contradiction")}),
    Case("personal data", "患者ID,氏名,住所,電話番号,生年月日,SBP,連絡\n1,山田花子,東京都港区1-1,03-1234-5678,1960-01-01,120,090-1111-2222\n2,鈴木太郎,大阪府大阪市,06-1234-5678,1961-01-01,130,080-3333-4444\n", values={"sbp": [120, 130]}, covariates={}),
    Case("hospital number beside an id", "patient_id,MRN,SBP\n1,99887,120\n", values={"sbp": [120]}, covariates={}, patient_id=["1"]),
    Case("hospital number alone", "カルテ番号,SBP\n99887,120\n", values={"sbp": [120]}, patient_id=["99887"]),
    Case("name is the file's", "name,SBP\nimg1.jpg,120\nimg2.jpg,130\n", values={"sbp": [120, 130]}, photograph=["img1.jpg", "img2.jpg"]),
    Case("ID is the file's", "ID,SBP\nimg1.jpg,120\nimg2.jpg,130\n", values={"sbp": [120, 130]}, photograph=["img1.jpg", "img2.jpg"]),
    Case("two readings", "id,SBP1,SBP2\n1,120,118\n2,130,128\n", values={"sbp": [120, 130]}, covariates={"SBP2": ["118", "128"]}),
    Case("predictions beside truth", "photo,sbp,sbp_pred,sbp_low,sbp_high\na.jpg,120,125,110,140\n", values={"sbp": [120]}),
    Case("smoking, site, diabetes", "photo,SBP,smoking,site,diabetes\na.jpg,120,never,A,0\nb.jpg,130,なし,B,1\n", values={"sbp": [120, 130]}, covariates={"smoking": ["never", "なし"], "site": ["A", "B"], "diabetes": ["0", "1"]}),
    Case("two sides glued to Japanese words", "被検者ID,OD画像,OS画像,血圧(収縮期/拡張期),随時血糖(mmol/L)\n1,a.jpg,b.jpg,120/80,5.4\n", values={"sbp": [120, 120], "dbp": [80, 80], "glucose": [97.2864, 97.2864]}, eye=["right", "left"], patient_id=["1", "1"]),
    Case("sex coded by a heading the other way round", "id,SBP,性別(男1女2)\n1,120,1\n2,130,2\n", values={"sex": [0, 1]}),
    Case("one code said in the heading", "id,SBP,Sex (M=1)\n1,120,1\n2,130,2\n", values={"sex": [0, 1]}),
    Case("codes with words", "id,SBP,性別,眼\n1,120,1:男,1R\n2,130,2:女,2L\n", values={"sex": [0, 1]}, eye=["right", "left"]),
    Case("eye in numbers", "id,eye,SBP\n1,1,120\n2,2,121\n", values={"sbp": [120, 121]}, faults={(0, "unconfirmed")}, eye=["", ""]),
    Case("French", "filename;sexe;âge;PAS;PAD;glycémie (g/L);tour de taille\nimg1.jpg;F;54;125,5;81;0,95;82\n", "cp1252", {"sex": [1], "age": [54], "sbp": [125.5], "dbp": [81], "glucose": [95], "waist": [82]}),
    Case("HbA1c in brackets", "id,SBP,血糖(HbA1c)\n1,120,5.6\n", values={"sbp": [120]}, covariates={"血糖(HbA1c)": ["5.6"]}),
    Case("wrong unit in a cell", "id,SBP,BMI\n1,120,23 kg/m2\n2,130,120 mmHg\n3,131,24\n", values={"bmi": [23, NAN, 24]}, faults={(3, "unknown_unit")}),
    Case("medicine, pressure in the eye, hypertension", "id,SBP,IOP_R,hypertension,antihypertensive drugs,脈圧,年齢区分\n1,120,15,1,0,40,60代\n", values={"sbp": [120]}, covariates={"IOP_R": ["15"], "hypertension": ["1"], "antihypertensive drugs": ["0"], "脈圧": ["40"], "年齢区分": ["60代"]}),
    Case("dates of a visit that can be read two ways", "id,visit,SBP\n1,05/06/2020,120\n2,05/07/2020,121\n", values={"sbp": [120, 121]}, covariates={}, faults={(0, "ambiguous_date")}),
    Case("wide values, a photograph per row", "photo,SBP right,SBP left\na_R.jpg,120,122\nb_L.jpg,130,132\n", values={"sbp": [120, 132]}, eye=["right", "left"]),
    Case("wide values, an eye per row", "photo,eye,SBP right,SBP left\na.jpg,OD,120,122\nb.jpg,OS,130,132\n", values={"sbp": [120, 132]}, eye=["right", "left"]),
    Case("wide values, nobody says which eye", "photo,SBP right,SBP left\na.jpg,120,122\n", values={"sbp": [120, 122]}, faults={(2, "conflict")}),
    Case("sex by ISO 5218 with unknowns", "id,SBP,sex\n1,120,1\n2,130,2\n3,131,9\n", values={"sbp": [120, 130, 131]}, faults={(0, "unconfirmed")}),
    Case("two names that differ in case are two", "photo,SBP\na.jpg,120\nA.JPG,140\n", values={"sbp": [120, 140]}),
    Case("an id that is NA", "id,SBP\nNA,120\nnan,140\nNULL,150\n#N/A,160\n", values={"sbp": [120, 140, 150, 160]}, faults={(5, "no_key")}, patient_id=["NA", "nan", "NULL", ""]),
    Case("NA for many is nobody", "photo,id,SBP\n1.jpg,NA,120\n2.jpg,NA,140\n3.jpg,b,150\n", values={"sbp": [120, 140, 150]}, faults={(0, "shared_id")}, patient_id=["", "", "b"]),
    Case("sex, one code alone", "id,SBP,sex\n1,120,1\n2,130,1\n", values={"sbp": [120, 130]}, faults={(0, "unconfirmed")}),
    Case("the unit stands in every cell", "id,glucose\n1,5 mmol/L\n2,6 mmol/L\n", values={"glucose": [90.08, 108.096]}),
    Case("most cells are no numbers", "id,SBP,age\n1,120,60\n2,high,61\n3,low,62\n", values={"sbp": [120, NAN, NAN]}, faults={(3, "not_a_number"), (4, "not_a_number")}),
    Case("two photographs told apart by their names", "id,image1,image2,SBP\n1,P1_L.jpg,P1_R.jpg,120\n2,P2_L.jpg,P2_R.jpg,130\n", values={"sbp": [120, 120, 130, 130]}, photograph=["P1_R.jpg", "P1_L.jpg", "P2_R.jpg", "P2_L.jpg"], eye=["right", "left"] * 2),
    Case("the name says the other eye", "photo,eye,SBP\na_R.jpg,R,120\nb_L.jpg,R,130\nc_L.jpg,L,131\n", values={"sbp": [120, 130, 131]}, faults={(3, "eye_disagrees")}, eye=["right", "right", "left"]),
    Case("all names say the other eye", "photo,eye,SBP\na_R.jpg,L,120\nb_L.jpg,R,130\nc_L.jpg,R,131\n", values={"sbp": [120, 130, 131]}, faults={(0, "eye_disagrees")}),
    Case("units in a column of their own", "id,SBP,SBP_unit,血糖,単位\n1,120,mmHg,95,mg/dL\n2,16,kPa,5.5,mmol/L\n", values={"sbp": [120, 120.00992], "glucose": [95, 99.088]}, covariates={}),
    Case("a column called unit that holds none", "id,SBP,unit\n1,120,ICU\n2,130,ward 3\n", values={"sbp": [120, 130]}, covariates={"unit": ["ICU", "ward 3"]}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_table(case: Case) -> None:
    table = read_table(case.text.encode(case.encoding), "table")
    truth = apply(table, propose(table))
    for target, expected in case.values.items():
        np.testing.assert_allclose(truth.values[target], expected, rtol=1e-3, err_msg=target)
    assert {(fault.row, fault.fault) for fault in truth.faults} == case.faults
    for name in ("photograph", "patient_id", "eye"):
        if getattr(case, name) is not None:
            assert getattr(truth, name).tolist() == getattr(case, name)
    if case.covariates is not None:
        assert {name: words.tolist() for name, words in truth.covariates.items()} == case.covariates
    assert truth.level == (case.level or truth.level)


def test_every_table_survives_its_saved_mapping() -> None:
    for case in CASES:
        table = read_table(case.text.encode(case.encoding), "table")
        proposal = propose(table)
        again = type(proposal).from_json(proposal.to_json())
        assert again.columns == proposal.columns
