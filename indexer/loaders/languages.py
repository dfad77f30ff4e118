"""What the usual languages look like when decoded rightly: letters beyond ASCII, commonest words, encodings. Only data."""
# ruff: noqa: E501 - one language, one line

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One language: encodings in use (the usual one first), lower-case letters beyond a-z, commonest letters and words."""

    name: str
    encodings: tuple[str, ...]
    letters: frozenset[str]
    common: frozenset[str]  # of an alphabet that is not ours the ten commonest letters, else empty
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Script:
    """A language of thousands of characters: encodings (each holding the one before) and the commonest characters."""

    name: str
    encodings: tuple[str, ...]
    common: frozenset[str]


WESTERN = ("cp1252", "mac_roman", "cp850", "iso8859_15")
CENTRAL = ("cp1250", "iso8859_2")
CYRILLIC = ("cp1251", "koi8_r", "iso8859_5", "cp866", "mac_cyrillic")

# name | encodings | letters (of other alphabets than ours: commonest first) | words
ROWS = (
    ("English", WESTERN, "éèêàâçñöüôïëä", "the of and to in is that for it with as was on be this are by at from you not or have"),
    ("French", WESTERN, "àâæçéèêëîïôœùûüÿ", "de la le et les des en un une du que est pour dans qui par sur au pas plus ce il sont avec ne se"),
    ("German", WESTERN, "äöüßéàè", "und der die das in den von zu mit ist des für im auf nicht ein eine dem es sich als auch an werden"),
    ("Spanish", WESTERN, "áéíñóúü", "de la que el en y los del se las un por con una su para es al lo como más no pero sus le ha"),
    ("Portuguese", WESTERN, "áâãàçéêíóôõúü", "de que e do da em um para com não uma os no se na por mais as dos como mas ao das seu ou à"),
    ("Italian", WESTERN, "àèéìíîòóùú", "di e il la che in un per del non una con sono della le da si dei al come più nel anche gli ha ma lo"),
    ("Catalan", WESTERN, "àçèéíïòóúü", "de la i el en les que un per una del amb els és es al dels no més com va se"),
    ("Dutch", WESTERN, "éëèïóöü", "de van het een en in is dat op te zijn met voor die niet aan er om ook als bij uit maar naar dan"),
    ("Swedish", WESTERN, "åäöéüà", "och i att det som en på är av för med till den har de inte om ett han men var jag från vi så kan"),
    ("Danish", WESTERN, "æøåéöäü", "og i at det er en til af på som med for de den har ikke et der han var fra men om vi kan jeg"),
    ("Norwegian", WESTERN, "æøåéòôöäü", "og i det er på som en til av for med at har de ikke den et om var han fra men vi kan jeg"),
    ("Finnish", WESTERN, "åäöéšž", "ja on ei että se oli ole hän mutta myös kun niin joka ovat kuin tai mukaan sen jo vain nyt hänen voi"),
    ("Icelandic", WESTERN, "áðéíóúýþæö", "og að í er sem á það til við um var með en fyrir ekki hann af því þess eru hafa"),
    ("Turkish", ("cp1254",), "çğıöşüâîû̇", "ve bir bu da de için ile olarak çok daha olan gibi kadar sonra ne ama en var her ben değil mi o"),
    ("Polish", CENTRAL, "ąćęłńóśźż", "w i na z do się nie że jest to o po od za jak dla przez ale są przy tym co tak już być oraz"),
    ("Czech", CENTRAL, "áčďéěíňóřšťúůýž", "a v se na je že s z do o i to k ve pro za by ale jako po jsou od není si tak které který"),
    ("Slovak", CENTRAL, "áäčďéíĺľňóôŕšťúýž", "a v sa na je že s z do o i to k vo pre za by ale ako po sú od nie si tak ktoré ktorý aj"),
    ("Slovene", CENTRAL, "čšžćđ", "je in v na se da za so pa ki ne z tudi s bi kot po iz o ni še pri od ob ali le"),
    ("Croatian", CENTRAL, "čćđšž", "je i u se na da su za od a s o ne što kao koji iz bi ili to će ali koja po nije samo"),
    ("Hungarian", CENTRAL, "áéíóöőúüű", "a az és hogy nem is egy ez meg de azt volt csak van már el ha még mint vagy kell s be majd ki"),
    ("Romanian", CENTRAL, "ăâîşţáé", "de şi în a la cu pe nu că o din este care se un mai pentru sunt al ce sau fi dar să prin ca"),
    ("Russian", CYRILLIC, "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", "и в не на что с по как это а к из у за он от для но так же то все его или о бы"),
    ("Bulgarian", CYRILLIC, "аиоентрсвлкдпмзгъуяцбчжщшхфюйь", "на и да в за се от не с е по че са това си като до при със но или ще има към аз"),
    ("Ukrainian", ("cp1251", "koi8_u", "iso8859_5"), "оанивітерсклудмпязьбгйчхжцюєїшфщґ", "і в на не що з у та до за як від це по про для але або його є й також був ми"),
    ("Serbian", ("cp1251", "iso8859_5"), "аоиенрстјувкдпмлзгбчцшжњљћхђџф", "је и у да се на су за од са а не што као који из би или то ће али која по није"),
    ("Greek", ("cp1253", "iso8859_7"), "αοιετσνηυρπκμλςωίόάέγδήθύχφώβξζψϊϋΐΰ", "και το να του η της με που την από για είναι των τα ο οι στο δεν στην τον σε θα ότι μια ένα"),
    ("Hebrew", ("cp1255", "iso8859_8"), "יוהלאתרבשמנקדפעםחגטכסזצןךףץ", "של את על לא עם זה הוא או גם כי היא אל כל אני מה יש אם רק אבל כמו לי הם זו עד אין"),
    ("Arabic", ("cp1256", "iso8859_6"), "اليمنورتبةعدسفهكحقجشطصخىضذزثغظءأإئآؤ", "في من على إلى أن عن مع هذا التي ما لا هذه الذي كان و أو هو بعد كل بين ذلك قد هي إن لم"),
)  # fmt: skip
LANGUAGES = tuple(
    Language(n, e, frozenset(a), frozenset(a[:10]) if a[0] > "ɏ" else frozenset(), frozenset(w.split()))
    for n, e, a, w in ROWS
)

SIMPLIFIED = (
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文"
    "无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业"
    "最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张活"
    "难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让"
    "认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联权往展该领传近留红治决周保达办运武半候七必城父强步完革深区即求品士转量空众技规定应"
)
TRADITIONAL = (
    "的一是不了在人有我他這中大來上個國到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她裡後小麼心多天而能好都然沒日於起還發成事只作當想看文"
    "無開手十用主行方又如前所本見經頭面公同三已老從動兩長知民樣現分將外但身些與高意進把法此實回二理美點月明其種聲全工己話兒者向情部正名定女問力機給等幾很業"
    "最間新什打便位因重被走電四第門相次東政海口使教西再平真聽世氣信北少關並內加化由卻代軍產入先山五太水萬市眼體別處總才場師書比住員九笑性通目華報立馬命張活"
    "難神數件安表原車白應路期叫死常提感金何更反合放做系計或司利受光王果親界及今京務制解各任至清物台象記邊共風戰干接它許八特覺望直服毛林題建南度統色字請交愛讓"
)
KANA = "".join(map(chr, range(0x3041, 0x3097))) + "".join(map(chr, range(0x30A1, 0x30F7)))
KANJI = (
    "日一人年大国本中会出時行上分生自見事前高者手間場部月方学後力同気合社的地新目今回何来理市内東京都県区町村北海道阪府名古屋山川田木林佐藤鈴渡辺伊松井上小野加吉子"
    "郎太男女美英三二四五六七八九十百千万円電話番号住所氏私思言業作用問題動体定実性食料品金店車発表関係全化書読聞教校科数第対法政民主当意味心代明文字語"
)
HANGUL = (
    "이다는에의을가고하한지로를사기도어해자은인서아리그시대나수일정라있과만보스게으부들제전장주상원여동유공국구무용비치미성우위조분년월면았었니습것까요적세오선"
    "생안신소음마관화바연모행경중와야당체내계식때물거트말실문결및간금명방업출려된될저개학호회강진교발영역속록두할입등데르설통심반단남각양후초료감살품터"
)
SCRIPTS = (
    Script("Chinese, simplified", ("gb18030",), frozenset(SIMPLIFIED)),
    Script("Chinese, traditional", ("big5", "big5hkscs", "cp950", "gb18030"), frozenset(TRADITIONAL)),
    Script("Japanese", ("cp932",), frozenset(KANA + KANJI)),
    Script("Japanese", ("euc_jp", "euc_jis_2004"), frozenset(KANA + KANJI)),
    Script("Korean", ("cp949",), frozenset(HANGUL)),
    Script("Korean", ("johab",), frozenset(HANGUL)),
)

# what is read as its superset: pages say the first and use the second
SUPERSETS = {
    "gb2312": "gb18030", "gbk": "gb18030", "x_gbk": "gb18030", "hz": "hz", "iso8859_1": "cp1252", "latin_1": "cp1252",  "iso8859_9": "cp1254",
    "shift_jis": "cp932", "sjis": "cp932", "x_sjis": "cp932", "euc_kr": "cp949", "ks_c_5601_1987": "cp949", "ks_c_5601": "cp949", "windows_949": "cp949",
    "big5": "big5hkscs", "x_x_big5": "big5hkscs", "big5_hkscs": "big5hkscs", "windows_31j": "cp932", "unicode": "utf_16", "iso_8859_8_i": "iso8859_8", "visual": "iso8859_8",
    "tis_620": "cp874", "iso8859_11": "cp874", "macintosh": "mac_roman", "x_mac_roman": "mac_roman", "utf8": "utf_8",
}  # fmt: skip
