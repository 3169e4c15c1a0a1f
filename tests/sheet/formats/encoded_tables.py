"""Made-up tables in many languages and old encodings, as small firms and clubs keep them.

for table in tables(): table.body, table.encoding, table.text
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

# Headings; people; towns; goods and remarks. Written for this test.
WORDS: dict[str, tuple[str, str, str, str]] = {
    "de": (
        "Nr;Name;Straße;Bemerkung",
        "Jürgen Müller|Käthe Groß|Björn Schäfer|Sören Weiß|Änne Krüger|Günther Böhm",
        "Köln|Düsseldorf|Nürnberg|Gießen|Zürich|Lübeck",
        "Gemüsebrühe|Türschloß groß|Kaffeelöffel|Ölfilter für LKW|Schlüssel überprüft",
    ),
    "fr": (
        "N°;Prénom;Ville;Désignation",
        "Hélène Lefèvre|François Bézier|Zoé Garçon|Noël Châtelain|Maïté Crépin|Jérôme Gâteau",
        "Besançon|Nîmes|Orléans|Évreux|Saint-Étienne|Béziers",
        "Crème brûlée|Pâte à pain|Œufs frais|Clé à molette|Thé glacé déjà payé",
    ),
    "es": (
        "Núm;Nombre;Población;Descripción",
        "José Muñoz|Begoña Ibáñez|Íñigo Peña|Ángel Núñez|María Concepción|Raúl Gómez",
        "Cádiz|León|Logroño|Málaga|La Coruña|Ávila",
        "Azafrán molido|Piñón entero|Jamón ibérico|Tornillo pequeño|¿Factura año pasado?",
    ),
    "it": (
        "N.;Nome;Città;Qualità",
        "Nicolò Riva|Mosè Conti|Debora Cantù|Carità Ferri|Niccolò Forlì|Noemi Verità",
        "Forlì|Cantù|Cefalù|Nardò|Mondovì|Patù",
        "Caffè macinato|Più piccolo|Metà prezzo perché usato|Tiramisù|È già spedito",
    ),
    "pt": (
        "Nº;Nome;Município;Descrição",
        "João Conceição|Inês Araújo|Luís Gonçalves|Antónia Simões|Mónica Brandão|Álvaro Falcão",
        "São Paulo|Évora|Brasília|Guimarães|Setúbal|Maceió",
        "Pão de forma|Maçã verde|Coração de boi|Relógio três peças|Não há mais açúcar",
    ),
    "nl": (
        "Nr;Naam;Plaats;Opmerking",
        "Daniëlle Bos|André Coenraad|Zoë de Boer|Loïs Smit|Noémi Vos|Jaïr Kok",
        "Oss|Bergeijk|Ruinen|Epe|Hoogeveen|Loon op Zand",
        "Geïsoleerde buis|Reünie België|Één doos crème|Coöperatie|Financiën",
    ),
    "sv": (
        "Nr;Namn;Ort;Anmärkning",
        "Åsa Lindström|Göran Öberg|Märta Sjöström|Björn Ågren|Kåre Hägg|Örjan Fält",
        "Malmö|Västerås|Örebro|Luleå|Jönköping|Växjö",
        "Kaffebröd|Blå färg|Smörgås|Nyckel för lås|Kräftor från sjön",
    ),
    "da": (
        "Nr;Navn;By;Bemærkning",
        "Søren Kjær|Åse Møller|Jørgen Bæk|Bjørn Ågård|Gæa Højgård|Mæt Østergård",
        "Århus|København|Ærøskøbing|Tønder|Hillerød|Nykøbing",
        "Rugbrød|Blå væske|Smørrebrød|Grøn maling på dåse|Sæbe og håndklæde",
    ),
    "nb": (
        "Nr;Navn;Sted;Merknad",
        "Håkon Bjørnstad|Åse Ødegård|Pål Sørli|Gølin Våge|Bård Fjære|Ståle Røed",
        "Tromsø|Ålesund|Bodø|Drøbak|Førde|Sørvågen",
        "Lefse på brød|Blå tråd|Kjøttkake|Får i kål|Nøkkel til låsen",
    ),
    "fi": (
        "Nro;Nimi;Kunta;Määrä",
        "Väinö Mäkelä|Päivi Hämäläinen|Jyrki Kähkönen|Aino Öljymäki|Sirkka Mäntylä|Yrjö Hyvärinen",
        "Jyväskylä|Hämeenlinna|Riihimäki|Pyhäjärvi|Seinäjoki|Hyvinkää",
        "Hyvä kenkä|Sähköjohto|Pähkinä|Työpöytä|Mää ja määrä täynnä",
    ),
    "is": (
        "Nr;Nafn;Staður;Athugasemd",
        "Þórður Guðmundsson|Sigríður Bjarnadóttir|Ólafur Ægisson|Ásta Höskuldsdóttir|Örn Þráinsson|Guðný Ýr",
        "Ísafjörður|Akureyri|Þorlákshöfn|Húsavík|Vík í Mýrdal|Selfoss",
        "Skyr með bláberjum|Þurrkað hrossakjöt|Íslensk ull|Lykill að húsi|Góð bók",
    ),
    "ca": (
        "Núm;Nom;Població;Observació",
        "Núria Solà|Mònica Puigcercós|Jordi Francès|Àngels Lluís|Ramón Bàrbara|Òscar Güell",
        "Lleida|Alcúdia|Vic|Vilaür|Mollerussa|Sant Julià de Lòria",
        "Cafè amb llet|Pa de pagès|Col·lecció d'espècies|Peça petita|Això és més barat",
    ),
    "pl": (
        "Lp;Imię;Miejscowość;Ilość",
        (
            "Łukasz Dąbrowski|Małgorzata Śliwińska|Grzegorz Brzęczyszczykiewicz|Żaneta Źrebięć|Świętosław Wójcik|"
            "Agnieszka Kołodziej"
        ),
        "Łódź|Kraków|Gdańsk|Białystok|Częstochowa|Świnoujście",
        "Śruba mosiężna|Gęś pieczona|Żółty ser|Książka dłużnika|Źródło ciepła",
    ),
    "cs": (
        "Č.;Jméno;Město;Množství",
        "Jiří Dvořák|Zdeněk Šťastný|Anežka Černá|Ondřej Růžička|Květa Žďárská|Tomáš Říha",
        "Plzeň|České Budějovice|Ústí nad Labem|Přerov|Žďár nad Sázavou|Kroměříž",
        "Švestkové knedlíky|Čistič oken|Žárovka úsporná|Těsnění kůže|Měď a uhlí",
    ),
    "sk": (
        "Č.;Meno;Mesto;Množstvo",
        "Ľubomír Kováč|Žofia Šťastná|Štefan Hraško|Ľudovít Čierny|Mária Ďurišová|Vojtech Tóth",
        "Košice|Žilina|Banská Štiavnica|Prešov|Piešťany|Ružomberok",
        "Bryndzové halušky|Kľúč od dverí|Mäkký syr|Čučoriedky|Stĺp a vŕba",
    ),
    "hu": (
        "Ssz;Név;Helység;Megjegyzés",
        "Gyöngyösi Győző|Tóth Ágnes|Szűcs Ödön|Kőszegi Ilona|Úrhidai Lőrinc|Béres Zsófia",
        "Győr|Székesfehérvár|Kecskemét|Hódmezővásárhely|Pécs|Szentendre",
        "Fűszerpaprika őrölt|Túrós csusza|Tűzhely|Zöldség és gyümölcs|Kézműves mű",
    ),
    "sl": (
        "Št;Ime;Kraj;Opomba",
        "Žiga Kovačič|Špela Črnič|Boštjan Žnidaršič|Anže Šuštar|Mojca Božič|Tjaša Štrukelj",
        "Škofja Loka|Črnomelj|Žalec|Šoštanj|Ljubečna|Šmarješke Toplice",
        "Češnjev sok|Šiviljske škarje|Žlica lesena|Račun že plačan|Čebelji vosek",
    ),
    "hr": (
        "Br;Ime;Grad;Količina",
        "Željko Đurić|Zvonimir Šarić|Ivančica Žižić|Đurđica Čačić|Krešimir Knežević|Snježana Ćosić",
        "Šibenik|Đakovo|Čakovec|Varaždin|Sisačka Međa|Požega",
        "Đačka torba|Češalj|Kuća i šuma|Riža smeđa|Ključ od vrata",
    ),
    "ro": (
        "Nr;Nume;Oraş;Observaţii",
        "Ştefan Ţepeş|Măriuca Brâncuşi|Ioniţă Călin|Ilinca Stănescu|Răzvan Pârvu|Ţuţea Anişoara",
        "Bucureşti|Iaşi|Piteşti|Târgu Mureş|Constanţa|Timişoara",
        "Brânză de oaie|Pâine neagră|Maşină de cusut|Roşii în suc|Cheie fără număr",
    ),
    "ru": (
        "№;Имя;Город;Примечание",
        "Алексей Щербаков|Юлия Воробьёва|Пётр Жданов|Эльвира Цой|Фёдор Хрущ|Ольга Ильина",
        "Москва|Нижний Новгород|Челябинск|Южно-Сахалинск|Тверь|Йошкар-Ола",
        "Хлеб ржаной|Гвозди оцинкованные|Ключ шестигранный|Чай чёрный|Оплачено частично",
    ),
    "bg": (
        "№;Име;Град;Забележка",
        "Георги Желязков|Юлияна Щерева|Цветан Ъгълов|Божидар Йовчев|Мария Кънчева|Светлозар Хаджиев",
        "София|Пловдив|Велико Търново|Кърджали|Търговище|Шумен",
        "Кисело мляко|Ключ за врата|Сирене краве|Чушки печени|Платено изцяло",
    ),
    "uk": (
        "№;Ім'я;Місто;Примітка",
        "Олексій Їжакевич|Ґалина Щирецька|Євген Шевчук|Ірина Кравців|Юрій Цибуля|Наталія Бойко",
        "Київ|Чернівці|Івано-Франківськ|Житомир|Запоріжжя|Вінниця",
        "Хліб житній|Ґудзики чорні|Ключ гайковий|Олія соняшникова|Сплачено цілком",
    ),
    "sr": (
        "Бр;Име;Место;Напомена",
        "Ђорђе Живковић|Љиљана Њежић|Џон Ћирић|Ненад Јовановић|Жељка Чолић|Миодраг Шћепановић",
        "Београд|Ниш|Крагујевац|Ваљево|Чачак|Пожаревац",
        "Кључ од куће|Ражани хлеб|Чај од нане|Џем од шљива|Плаћено у целини",
    ),
    "mk": (
        "Бр;Име;Град;Забелешка",
        "Ѓорѓи Јакимовски|Ќирил Њонов|Љупчо Џамбазов|Весна Стојаноска|Ѕвезда Илиева|Игор Поповски",
        "Скопје|Битола|Куманово|Прилеп|Ѓевгелија|Кичево",
        "Леб од 'рж|Клуч за куќа|Џем од сливи|Ѕид и врата|Платено целосно",
    ),
    "be": (
        "№;Імя;Горад;Заўвага",
        "Аляксей Шчэрба|Юлія Вараб'ёва|Пятро Жданаў|Ўладзімір Караткевіч|Алесь Дзмітрыеў|Вольга Бязносік",
        "Мінск|Гродна|Віцебск|Магілёў|Баранавічы|Полацк",
        "Хлеб жытні|Цвікі ацынкаваныя|Ключ дзвярны|Гарбата чорная|Аплачана цалкам",
    ),
    "el": (
        "Α/Α;Όνομα;Πόλη;Παρατήρηση",
        "Γιώργος Παπαδόπουλος|Ελένη Ξανθάκη|Χρήστος Ψωμάς|Άννα Θεοδωρίδου|Ίων Ζαχαρίου|Βασίλης Ρήγας",
        "Αθήνα|Θεσσαλονίκη|Ηράκλειο|Ιωάννινα|Λάρισα|Χίος",
        "Ψωμί σίκαλης|Κλειδί πόρτας|Τυρί φέτα|Ελιές μαύρες|Εξοφλήθηκε πλήρως",
    ),
    "tr": (
        "Sıra;Adı;Şehir;Açıklama",
        "Gülşen Yıldırım|İbrahim Çağlar|Ömer Öztürk|Şükrü Işık|Ayşe Güneş|Çiğdem Uğurlu",
        "İstanbul|Eskişehir|Muğla|Iğdır|Çanakkale|Nevşehir",
        "Çay bardağı|Yeşil soğan|Pişmiş kestane|Küçük boy vida|Ödendi değil mi",
    ),
    "he": (
        "מס;שם;עיר;הערה",
        "יוסף כהן|רחל לוי|משה פרץ|שרה אברהמי|דוד ביטון|אסתר גבאי",
        "ירושלים|תל אביב|חיפה|באר שבע|נתניה|אשדוד",
        "לחם שיפון|מפתח לדלת|גבינה לבנה|זיתים שחורים|שולם במלואו",
    ),
    "ar": (
        "رقم;الاسم;المدينة;ملاحظة",
        "محمد عبد الله|فاطمة الزهراء|خالد بن سعيد|عائشة حسن|يوسف إبراهيم|نورة القحطاني",
        "القاهرة|دمشق|الرياض|بغداد|طرابلس|عمان",
        "خبز أسمر|مفتاح الباب|جبن أبيض|زيتون أسود|مدفوع بالكامل",
    ),
    "fa": (
        "رديف;نام;شهر;توضيح",
        "محمد رضایی|زهرا پورحسینی|علی گودرزی|مریم چراغی|حسین ژاله|پریسا کریمی",
        "تهران|مشهد|شیراز|اصفهان|کرمان|گرگان",
        "نان چاودار|کلید در|پنیر سفید|چای سیاه|کامل پرداخت شد",
    ),
    "lt": (
        "Nr;Vardas;Miestas;Pastaba",
        "Žydrūnas Šimkus|Aušrinė Čepaitė|Jūratė Žukauskienė|Vytautas Ąžuolas|Eglė Šarūnaitė|Česlovas Įdomus",
        "Šiauliai|Panevėžys|Mažeikiai|Kėdainiai|Ukmergė|Šilutė",
        "Ruginė duona|Šaukštas medinis|Žalias sūris|Raktas nuo durų|Sumokėta už viską",
    ),
    "lv": (
        "Nr;Vārds;Pilsēta;Piezīme",
        "Jānis Bērziņš|Līga Ķēniņa|Mārtiņš Šķēle|Žanete Ūdre|Ēriks Čakste|Ģirts Āboliņš",
        "Rīga|Liepāja|Daugavpils|Jūrmala|Rēzekne|Cēsis",
        "Rudzu maize|Durvju atslēga|Baltais siers|Melnā tēja|Samaksāts pilnībā",
    ),
    "et": (
        "Nr;Nimi;Linn;Märkus",
        "Jüri Põld|Õnne Järv|Mäe Külli|Tõnu Öövel|Ülle Sõrmus|Žanna Pärn",
        "Pärnu|Võru|Jõgeva|Põltsamaa|Türi|Kärdla",
        "Rukkileib täis|Võti uksele|Õunamahl|Must tee šokolaadiga|Täielikult makstud",
    ),
    "th": (
        "ลำดับ;ชื่อ;เมือง;หมายเหตุ",
        "สมชาย ใจดี|สุดารัตน์ แสงทอง|วิชัย พงษ์ศักดิ์|นภา ศรีสุข|ประเสริฐ วงศ์ใหญ่|กมล ทิพย์",
        "กรุงเทพ|เชียงใหม่|ขอนแก่น|ภูเก็ต|สงขลา|อุบลราชธานี",
        "ข้าวหอมมะลิ|กุญแจประตู|น้ำตาลทราย|ชาดำเย็น|ชำระเงินแล้ว",
    ),
    "vi": (
        "STT;Họ tên;Thành phố;Ghi chú",
        "Nguyễn Văn Đức|Trần Thị Hường|Lê Quốc Khánh|Phạm Ngọc Ánh|Đỗ Hữu Nghĩa|Vũ Mỹ Lệ",
        "Hà Nội|Đà Nẵng|Hải Phòng|Cần Thơ|Huế|Quy Nhơn",
        "Bánh mì đen|Chìa khóa cửa|Phở bò tái|Cà phê sữa đá|Đã thanh toán đủ",
    ),
    "ja": (
        "番号;氏名;住所;備考",
        "佐藤 健一|鈴木 花子|高橋 みどり|渡辺 直樹|小林 さくら|ヤマダ タロウ",
        "札幌市中央区|横浜市港北区|大阪府堺市|福岡県久留米市|長野県松本市|渋谷区",
        "ライ麦パン|ドアの鍵|醤油 1リットル|緑茶（静岡）|支払済み",
    ),
    "zh_cn": (
        "编号;姓名;城市;备注",
        "王小明|李秀英|张伟国|刘丽娜|陈建军|赵敏",
        "上海市|广州|成都市武侯区|哈尔滨|西安|乌鲁木齐",
        "黑麦面包|门钥匙一把|酱油两瓶|绿茶（龙井）|已经付清",
    ),
    "zh_tw": (
        "編號;姓名;城市;備註",
        "王小明|李秀英|張偉國|劉麗娜|陳建軍|趙敏",
        "臺北市|高雄市|新竹縣竹北|嘉義|花蓮|臺中市西屯區",
        "黑麥麵包|門鑰匙一把|醬油兩瓶|綠茶（高山）|已經付清",
    ),
    "ko": (
        "번호;이름;도시;비고",
        "김민수|이영희|박지훈|최은정|정대현|강수진",
        "서울특별시|부산광역시|대구|인천 남동구|광주|제주시",
        "호밀빵|현관 열쇠|간장 두 병|녹차 (보성)|결제 완료",
    ),
    "kk": (
        "№;Аты;Қала;Ескерту",
        "Әлихан Бөкейханов|Гүлнұр Қасымова|Нұрлан Өтегенов|Жәмила Ысқақова|Ұлан Тоқтаров|Айгүл Іңкәр",
        "Алматы|Өскемен|Қарағанды|Ақтөбе|Шымкент|Көкшетау",
        "Қара нан|Есік кілті|Ақ ірімшік|Көк шай|Толық төленді",
    ),
    "mt": (
        "Nru;Isem;Belt;Nota",
        "Ġorġ Borġ|Ċensa Żammit|Ħaġar Għawdxi|Ġanni Ċassar|Żeppi Ħili|Karmenu Għigo",
        "Żebbuġ|Ħal Qormi|Birżebbuġa|Għajnsielem|Ħamrun|Siġġiewi",
        "Ħobż tas-sikran|Ċavetta tal-bieb|Ġobon abjad|Żejt taż-żebbuġa|Mħallas għalkollox",
    ),
    "eo": (
        "N-ro;Nomo;Urbo;Rimarko",
        "Ĉarlo Ŝmit|Ĝojo Ĵaŭda|Aŭgusto Ĥan|Ŝtefano Ĉevalo|Luĉjo Ĝentila|Paŭlo Ĵus",
        "Ĉikago|Ŝanhajo|Antverpeno ĉe maro|Ĝenevo|Parizo|Aŭgsburgo",
        "Seka pano ĉi tie|Ŝlosilo de pordo|Blanka fromaĝo|Nigra teo ĵus|Tute pagita ĝis nun",
    ),
    "sq": (
        "Nr;Emri;Qyteti;Shënim",
        "Çlirim Hoxha|Blerë Gjatë|Përparim Këlliçi|Dëfrim Çela|Ylbër Mëhilli|Flutura Xhaçka",
        "Tiranë|Durrës|Korçë|Elbasan|Sarandë|Shëngjin",
        "Bukë thekre|Çelës i derës|Djathë i bardhë|Çaj i zi|E paguar plotësisht",
    ),
    "ga": (
        "Uimh;Ainm;Baile;Nóta",
        "Seán Ó Súilleabháin|Máire Ní Dhúill|Pádraig Ó Cléirigh|Áine Nic Éinrí|Éamonn Ó hÓgáin|Úna Bhreathnach",
        "Gaillimh|Dún Dealgan|Béal Átha an Ghaorthaidh|Corcaigh|Trá Lí|Áth Luain",
        "Arán seagail|Eochair dorais|Cáis bhán|Tae dubh úr|Íoctha go hiomlán",
    ),
}
_WEST = "cp1252 iso8859_15 mac_roman cp850 cp437 cp858"
# In which encodings each language was kept.
ENCODINGS: dict[str, str] = {
    "de": _WEST,
    "fr": _WEST + " cp863",
    "es": _WEST,
    "it": _WEST,
    "pt": "cp1252 iso8859_15 mac_roman cp850 cp860",
    "nl": _WEST,
    "sv": _WEST + " cp865",
    "da": "cp1252 iso8859_15 mac_roman cp850 cp865",
    "nb": "cp1252 iso8859_15 mac_roman cp850 cp865",
    "fi": _WEST,
    "is": "cp1252 iso8859_15 mac_iceland cp850 cp861",
    "ca": "cp1252 iso8859_15 mac_roman cp850",
    "pl": "cp1250 iso8859_2 cp852 mac_latin2 iso8859_16",
    "cs": "cp1250 iso8859_2 cp852 mac_latin2",
    "sk": "cp1250 iso8859_2 cp852 mac_latin2",
    "hu": "cp1250 iso8859_2 cp852 mac_latin2",
    "sl": "cp1250 iso8859_2 cp852",
    "hr": "cp1250 iso8859_2 cp852",
    "ro": "cp1250 iso8859_2 cp852 mac_romanian",
    "ru": "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic cp855",
    "bg": "cp1251 iso8859_5 cp866 mac_cyrillic cp855",
    "uk": "cp1251 koi8_u iso8859_5 mac_cyrillic cp1125",
    "sr": "cp1251 iso8859_5 cp855",
    "mk": "cp1251 iso8859_5 cp855",
    "be": "cp1251 iso8859_5 koi8_u",
    "el": "cp1253 iso8859_7 cp737 cp869 mac_greek",
    "tr": "cp1254 iso8859_9 cp857 mac_turkish",
    "he": "cp1255 iso8859_8 cp862",
    "ar": "cp1256 iso8859_6 cp720",
    "fa": "cp1256",
    "lt": "cp1257 iso8859_13 iso8859_4 cp775",
    "lv": "cp1257 iso8859_13 iso8859_4 cp775",
    "et": "cp1257 iso8859_13 iso8859_15 cp775 cp1252",
    "th": "cp874 tis_620",
    "vi": "cp1258",
    "ja": "cp932 euc_jp iso2022_jp",
    "zh_cn": "gb18030 hz",
    "zh_tw": "big5",
    "ko": "cp949 johab iso2022_kr",
    "kk": "kz1048 ptcp154",
    "mt": "iso8859_3",
    "eo": "iso8859_3",
    "sq": "cp1252 cp850 cp437",
    "ga": "cp1252 iso8859_14 cp850",
}

# What an encoding lacks is left out or written otherwise, as people do.
_INSTEAD = {"№": "No", "·": "-", "°": "o", "º": "o", "¿": "", "Œ": "OE", "œ": "oe"}


@dataclass(frozen=True, slots=True)
class Table:
    language: str
    encoding: str
    text: str
    body: bytes


def tables(seed: int = 1) -> Iterator[Table]:
    """Each language in each of its encodings: short and long, all columns in it or but one."""
    for language, encodings in ENCODINGS.items():
        for encoding in encodings.split():
            for records, whole in ((4, True), (25, True), (12, False), (200, False)):
                yield _table(language, encoding, records, whole, random.Random(f"{language}{encoding}{records}{seed}"))


def _table(language: str, encoding: str, records: int, whole: bool, chance: random.Random) -> Table:
    headings, people, towns, goods = (words.replace(";", "|").split("|") for words in WORDS[language])
    lines = [[*headings, "EUR"] if whole else ["id", "name", "qty"]]
    for at in range(records):
        if whole:
            amount = f"{chance.randint(1, 9000)},{chance.randint(10, 99)}"
            lines.append([str(at + 1), chance.choice(people), chance.choice(towns), chance.choice(goods), amount])
        else:
            lines.append([str(1000 + at), chance.choice(chance.choice([people, towns])), str(chance.randint(1, 900))])
    text = "".join(";".join(line) + "\r\n" for line in lines)
    text = "".join(_kept(sign, encoding) for sign in text)
    return Table(language, encoding, text, text.encode(encoding))


def _kept(sign: str, encoding: str) -> str:
    try:
        sign.encode(encoding)
        return sign
    except UnicodeEncodeError:
        parts = unicodedata.normalize("NFD", sign)
    if encoding == "cp1258":  # tones of Vietnamese are signs of their own there
        tones = "".join(mark for mark in parts[1:] if mark in "\u0300\u0301\u0303\u0309\u0323")
        rest = "".join(mark for mark in parts if mark not in tones)
        return unicodedata.normalize("NFC", rest) + tones
    return _INSTEAD.get(sign, parts[0] if parts[0].isascii() else "")
