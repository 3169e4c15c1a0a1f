"""Words of headings that mean the same, in the languages that pages speak and a few beside them: evidence, never proof.

One line a meaning: its name is what the words of its line become when two headings are compared (`sheet/matching.py`).
A meaning of several words (`order date`) becomes those words, so that what is put together in one language meets what
is written apart in another, and a part of it is seen; those in WHOLE stay one thing (a first name is no firm's name).
Words behind `?` may mean it but also something else: they are only proposed.
"""

from __future__ import annotations

# Small words that say nothing of what a column holds.
_STOP = """
the of a an in on for to und and y et der die das des dem den von vom zum zur de del della dello dei di da do dos
das du
la le les el los las lo il i l d al au aux van het een o os as na по в
"""
STOP = frozenset(_STOP.split())
# What may stand beside a column's own words and not make another column of it: units, and whose it is.
_NEUTRAL = """
kg g mg t lb lbs oz mm cm m km in ft mi ml l sqm eur usd gbp chf jpy cny pln percent pct deg h hrs min s sec customer
client contact person personal your my main primary standard default required optional
"""
NEUTRAL = frozenset(_NEUTRAL.split())

# Single words, as one spells them short or otherwise.
SHORT = {
    "nr": "number",
    "num": "number",
    "nbr": "number",
    "nummer": "number",
    "numéro": "number",
    "número": "number",
    "numero": "number",
    "numer": "number",
    "رقم": "number",
    "番号": "number",
    "号码": "number",
    "no": "number",
    "amt": "amount",
    "addr": "address",
    "dept": "department",
    "mgr": "manager",
    "emp": "employee",
    "cust": "customer",
    "acct": "account",
    "desc": "description",
    "descr": "description",
    "ref": "reference",
    "référence": "reference",
    "referencia": "reference",
    "referenz": "reference",
    "riferimento": "reference",
    "referência": "reference",
    "org": "organization",
    "organisation": "organization",
    "inv": "invoice",
    "cat": "category",
    "max": "maximum",
    "min.": "minimum",
    "avg": "average",
    "yr": "year",
    "wt": "weight",
    "ht": "height",
    "lat": "latitude",
    "lng": "longitude",
    "lon": "longitude",
    "curr": "currency",
    "pwd": "password",
    "pos": "position",
}

WHOLE = frozenset({"first name", "last name", "birth date", "house number", "job title"})

_LINES = """
email: email | e-mail | email address | e-mail address | e-mail-adresse | emailadresse | mailadresse | courriel
    | adresse e-mail | adresse mail | adresse courriel | adresse électronique | correo electrónico | correo
    | dirección de correo
    | dirección de correo electrónico | indirizzo e-mail | indirizzo di posta elettronica | posta elettronica
    | endereço de e-mail | correio eletrónico | correio eletrônico | e-mailadres | adres e-mail
    | البريد الإلكتروني | بريد إلكتروني | البريد | メール | メールアドレス | 电子邮件 | 邮箱 ? mail | mél
phone: phone | telephone | tel | phone number | telephone number | tel number | telefon | telefonnummer
    | telefon number
    | téléphone | numéro de téléphone | teléfono | número de teléfono | telefono | numero di telefono | telefone
    | número de telefone | telefoon | telefoonnummer | numer telefonu | الهاتف | رقم الهاتف | تلفون
    | 電話 | 電話番号 | 电话 | 电话号码 ? fon | mobile | mobile phone | mobil | handy
    | móvil | teléfono móvil | celular | cellulare | téléphone portable | cell
mobile: mobile | mobile phone | mobile number | cell phone | cellphone | cell number | handy | handynummer | mobil
    | mobiltelefon | mobilnummer | téléphone portable | téléphone mobile | móvil | teléfono móvil | celular
    | cellulare | telemóvel | gsm | mobiel | الجوال | رقم الجوال | الهاتف المحمول | 携帯電話 ? cell | portable
fax: fax | fax number | faxnummer | télécopie | telefax | الفاكس
first name: first name | given name | forename | fname | vorname | prénom | nombre de pila | primer nombre
    | primeiro nome
    | nome próprio | voornaam | imię | الاسم الأول | الاسم الاول ? given | first
last name: last name | surname | family name | lname | nachname | familienname | zuname | nom de famille | apellido
    | apellidos | cognome | apelido | sobrenome | achternaam | nazwisko | اسم العائلة | اللقب
    | لقب العائلة ? nom | last
name: name | full name | nom complet | nombre completo | nome completo | naam | volledige naam | الاسم | الاسم الكامل
    | 氏名 | 名前 | 姓名 ? nom | nombre | nome | nom et prénom | nombre y apellidos
zip: zip | zip code | zipcode | postal code | postcode | post code | plz | postleitzahl | code postal | código postal
    | codice postale | kod pocztowy | الرمز البريدي | 郵便番号 | 邮编 ? cap | cp | cep | postal
city: city | town | city name | stadt | wohnort | ville | ciudad | città | cidade | stad | woonplaats
    | miasto | المدينة
    | 市 | 城市 ? ort | plaats | commune | localidad | località | place | municipality
country: country | country name | pays | país | paese | kraj | الدولة | البلد | 国 | 国家 ? land | nation
state: state | province | federal state | bundesland | provincia | provincie | المحافظة | الولاية ? region | région
    | estado | canton | county
street: street | street address | street name | straße | strassenname | straßenname | rue | calle | rua | straat
    | straatnaam | ulica | الشارع ? via | str
house number: house number | hausnummer | huisnummer | numéro de rue ? hnr
address: address | mailing address | postal address | anschrift | postanschrift | adresse | adresse postale | dirección
    | dirección postal | indirizzo | endereço | morada | adres | العنوان | 住所 | 地址 ? domicile | domicilio
company: company | company name | firma | firmenname | unternehmen | société | entreprise | raison sociale | empresa
    | nombre de la empresa | azienda | ragione sociale | bedrijf | bedrijfsnaam | الشركة | اسم الشركة | 会社名 | 公司
    ? organization | employer | account name | business name
website: website | web site | web page | webpage | homepage | webseite | site web | site internet
    | sitio web | sito web
    | página web | الموقع الإلكتروني ? url | web | site
birth date: birth date | birthdate | date of birth | birthday | dob | geburtsdatum | geburtstag | geb. datum
    | date de naissance | fecha de nacimiento | data di nascita | data de nascimento | geboortedatum | data urodzenia
    | تاريخ الميلاد | 生年月日 ? born | naissance | nacimiento
gender: gender | sex | geschlecht | sexe | sexo | sesso | geslacht | الجنس | 性別 ? genre | género | genere
date: date | datum | fecha | التاريخ | 日付 | 日期 ? data | day
start date: start date | starting date | begin date | startdatum | anfangsdatum | date de début | fecha de inicio
    | data di inizio | data inizio | data de início | begindatum | تاريخ البدء ? beginn | start | début | inicio
end date: end date | ending date | finish date | enddatum | date de fin | fecha de fin | fecha final | data di fine
    | data fine | data de fim | einddatum | تاريخ الانتهاء ? ende | end | fin
order date: order date | bestelldatum | auftragsdatum | date de commande | fecha de pedido | data ordine
    | data do pedido | orderdatum | besteldatum | تاريخ الطلب
invoice date: invoice date | rechnungsdatum | date de facture | date de facturation | fecha de factura | data fattura
    | data da fatura | factuurdatum | تاريخ الفاتورة
due date: due date | fälligkeit | fälligkeitsdatum | date d'échéance | échéance | fecha de vencimiento | scadenza
    | data di scadenza | data de vencimento | vervaldatum | تاريخ الاستحقاق ? fällig am
gross amount: gross amount | gross | bruttobetrag | brutto | montant brut | importe bruto | importo lordo
net amount: net amount | net | nettobetrag | netto | montant net | importe neto | importo netto
amount: amount | betrag | montant | importe | importo | bedrag | kwota | المبلغ | 金額 | 金额
    ? sum | value | wert | valor
total: total | total amount | grand total | gesamt | gesamtbetrag | gesamtsumme | summe | montant total | importe total
    | totale | totaal | totaalbedrag | الإجمالي | المجموع
quantity: quantity | qty | menge | anzahl | stückzahl | quantité | qté | cantidad | quantità | quantidade | aantal
    | hoeveelheid | ilość | الكمية | 数量 ? pieces | stück | units | count
price: price | preis | prix | precio | prezzo | preço | prijs | cena | السعر | 価格 | 价格 ? rate | cost | kosten
unit price: unit price | price per unit | price each | einzelpreis | stückpreis | prix unitaire | precio unitario
    | prezzo unitario | preço unitário | eenheidsprijs | stukprijs | سعر الوحدة | 単価
currency: currency | currency code | währung | devise | moneda | divisa | valuta | moeda | waluta | العملة | 通貨 | 货币
    ? monnaie | munt
vat: vat | mwst | mehrwertsteuer | ust | umsatzsteuer | tva | iva | btw | ضريبة القيمة المضافة ? tax | gst
invoice number: invoice number | invoice id | rechnungsnummer | rechnungs number | numéro de facture
    | número de factura
    | numero fattura | numero di fattura | número da fatura | factuurnummer | رقم الفاتورة | facture number
    | factura number | fattura number ? bill number
order number: order number | order id | bestellnummer | bestell number | auftragsnummer | auftrags number
    | numéro de commande | número de pedido | numero ordine | número do pedido | ordernummer | bestelnummer
    | رقم الطلب | 注文番号
customer number: customer number | customer id | client number | client id | kundennummer | kundennr | kunden number
    | kunden id | numéro client | numéro de client | número de cliente | codice cliente | klantnummer
    | رقم العميل ? customer code | account number
employee number: employee number | employee id | staff number | personalnummer | personal number | mitarbeiternummer
    | matricule | número de empleado | matricola | personeelsnummer | رقم الموظف ? badge number
item number: item number | item id | article number | artikelnummer | artikelnr | art number | artikel number
    | numéro d'article | código de artículo | numero articolo | رقم الصنف ? sku | product code | part number
product: product | product name | produkt | produktname | produit | producto | prodotto | produto | المنتج | 商品 | 产品
    ? item | article | artikel | artículo | articolo
customer: customer | client | kunde | cliente | klant | العميل | 顧客 | 客户
    ? customer name | kundenname | account | buyer
description: description | beschreibung | descripción | descrizione | descrição | omschrijving | الوصف | 説明
    ? bezeichnung | details | libellé | title
note: note | notes | remark | remarks | comment | comments | bemerkung | bemerkungen | kommentar | anmerkung
    | anmerkungen | notiz | notizen | remarque | remarques | commentaire | commentaires | observación | observaciones
    | comentario | comentarios | nota | notas | osservazioni | annotazioni | observações | opmerking | opmerkingen
    | ملاحظات | ملاحظة | 備考 | 备注 ? memo | info
department: department | abteilung | departamento | reparto | dipartimento | afdeling | القسم | 部署 | 部门 ? service
    | division | département
manager: manager | vorgesetzter | responsable | gerente | leidinggevende | المدير ? supervisor | boss | lead
salutation: salutation | anrede | civilité | tratamiento | titolo di cortesia | aanhef ? title | honorific
job title: job title | berufsbezeichnung | intitulé du poste | puesto | cargo | qualifica | functie | المسمى الوظيفي
    ? position | role | function | funktion
weight: weight | gewicht | poids | peso | الوزن | 重量 ? mass
height: height | höhe | hauteur | altura | altezza | hoogte | الارتفاع ? alto | size
width: width | breite | largeur | anchura | larghezza | largura | breedte | العرض ? ancho
length: length | länge | longueur | longitud | lunghezza | comprimento | lengte | الطول
color: color | colour | farbe | couleur | colore | cor | kleur | اللون | 色 | 颜色
size: size | größe | taille | talla | taglia | tamanho | maat | المقاس ? dimension
category: category | kategorie | catégorie | categoría | categoria | categorie | الفئة | カテゴリ | 类别
    ? type | group | class
status: status | statut | estatus | stato | الحالة ? state | estado
language: language | sprache | langue | idioma | lingua | língua | taal | اللغة | 言語 | 语言 ? locale
nationality: nationality | staatsangehörigkeit | nationalität | nationalité | nacionalidad | nazionalità | الجنسية
username: username | user name | login name | benutzername | nom d'utilisateur | nombre de usuario
    | nome utente | gebruikersnaam | اسم المستخدم ? login | user | user id
iban: iban | iban number ? bank account
latitude: latitude | breitengrad | latitud | latitudine | خط العرض
longitude: longitude | längengrad | longitudine | خط الطول ? long
id: id | identifier | ident | kennung | identifiant | identificador | identificativo | المعرف ? key | code | record id
"""


def meanings() -> list[tuple[str, list[str], list[str]]]:
    """(meaning, the phrases that mean it, those that may)."""
    found = []
    for line in _LINES.replace("\n    ", " ").strip().splitlines():
        meaning, _, phrases = line.partition(":")
        sure, _, unsure = phrases.partition(" ? ")
        found.append((meaning, _split(sure), _split(unsure)))
    return found


def _split(phrases: str) -> list[str]:
    return [phrase.strip() for phrase in phrases.split("|") if phrase.strip()]
