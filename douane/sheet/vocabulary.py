"""Long on purpose: words of headings that mean the same, in the languages that pages speak and a few beside them:
evidence, never proof.

One line a meaning: its name is what the words of its line become when two headings are compared (`sheet/matching.py`).
A meaning of several words (`order date`) becomes those words, so that what is put together in one language meets what
is written apart in another, and a part of it is seen; those in WHOLE stay one thing (a first name is no firm's name).
Words behind `?` may mean it but also something else: they are only proposed.
"""

from __future__ import annotations

from collections.abc import Iterator

# Small words that say nothing of what a column holds.
_STOP = """
the of a an in on for to und and y et der die das des dem den von vom zum zur de del della dello dei di da do dos
das du
la le les el los las lo il i l d al au aux van het een o os as na по в am im
"""
STOP = frozenset(_STOP.split())
# What may stand beside a column's own words and not make another column of it: units, and whose it is.
_NEUTRAL = """
kg g mg t lb lbs oz mm cm m km in ft mi ml l sqm eur usd gbp chf jpy cny pln percent pct deg h hrs min s sec customer
client contact person personal your my main primary standard default required optional
"""
NEUTRAL = frozenset(_NEUTRAL.split())
# What stands behind a thing in languages that name it first, and leaves it what it is (`Stipendio lordo`).
_FOLLOWING = """
final finale brut bruto bruta lordo lorda neto neta netto líquido disponible disponibile disponível actual actuel
actuelle attuale atual principal principale completo completa complet complète unitario unitaire unitário
article artículo articolo artigo produit producto prodotto produto
"""
FOLLOWING = frozenset(_FOLLOWING.split())

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
    "číslo": "number",
    "номер": "number",
    "numarası": "number",
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
    "refs": "reference",
    "réf": "reference",
    "rif": "reference",
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
    "ccy": "currency",
    "dt": "date",
    "nro": "number",
    "núm": "number",
    "bal": "balance",
    "whse": "warehouse",
    "mfr": "manufacturer",
    "disc": "discount",
    "pwd": "password",
    "pos": "position",
    "pers": "personal",
    "val": "value",
    "dest": "destination",
    "orig": "origin",
    "vol": "volume",
    "tél": "phone",
    "tlf": "phone",
    "cant": "quantity",
    "qtà": "quantity",
    "prod": "product",
    "mob": "mobile",
    "kd": "customer",
    "hausnr": "hausnummer",
    "gr": "gross",
    "cod": "code",
    "codice": "code",
    "código": "code",
}

_WHOLE = """first name | last name | birth date | house number | job title | contact person | marital status
    | cost center | account holder | payment method | birth place | middle name"""
WHOLE = frozenset(phrase.strip() for phrase in _WHOLE.split("|"))

LINES = """
email: email | e-mail | email address | e-mail address | e-mail-adresse | emailadresse | mailadresse | courriel
    | adresse e-mail | adresse mail | adresse courriel | adresse électronique | correo electrónico | correo
    | dirección de correo | dirección de correo electrónico | indirizzo e-mail | indirizzo di posta elettronica
    | posta elettronica | endereço de e-mail | correio eletrónico | correio eletrônico | e-mailadres
    | adres e-mail | البريد الإلكتروني | بريد إلكتروني | البريد | メール | メールアドレス | 电子邮件 | 邮箱
    | e-post | epost | e-postadress | e-postadresse | e-posta | eposta | эл почта | электронная почта
    | adres email | emailová adresa | mailová adresa | email adresi | e posta adresi | адрес электронной почты
    | sähköposti | эл адрес ? mail | mél | почта | poczta | poçta
phone: phone | telephone | tel | phone number | telephone number | tel number | telefon | telefonnummer
    | telefon number | téléphone | numéro de téléphone | teléfono | número de teléfono | telefono
    | numero di telefono | telefone | número de telefone | telefoon | telefoonnummer | numer telefonu | الهاتف
    | رقم الهاتف | تلفون | 電話 | 電話番号 | 电话 | 电话号码 | телефон | номер телефона | telefon numarası
    | telefonní číslo | nr telefonu | nr tel | tel číslo | telefonnr | телефон номер | контактный телефон
    | puhelin | telefon kontaktowy | tel work | telefon geschäftlich | téléphone professionnel
    | telefon dienstlich | work phone | business phone | telefon no | telefon nr | tel nr ? fon | mobile
    | mobile phone | mobil | handy | móvil | teléfono móvil | celular | cellulare | téléphone portable | cell
    | тел | puhelinnumero | моб телефон | мобильный телефон | telefon komórkowy | mobilní telefon | mobiltelefon
    | cep telefonu | cep tel | téléphone mobile | tél mobile | tél portable | tel geschäftl | telefon gesch
    | tel gesch | tel privat | telefon privat | telefon privé | home phone | tél fixe
landline: landline | festnetz | festnetznummer | téléphone fixe | teléfono fijo | telefono fisso | telefone fixo
    | vaste telefoon | тел стационарный | telefon stacjonarny | pevná linka | fast telefon ? phone | telefon
    | teléfono | telefono | telefone | téléphone | fixe | tél fixe | стационарный телефон
mobile: mobile | mobile phone | mobile number | cell phone | cellphone | cell number | handy | handynummer
    | mobil | mobiltelefon | mobilnummer | téléphone portable | téléphone mobile | móvil | teléfono móvil
    | celular | tél mobile | tel mobile | teléfono celular | cellulare | telemóvel | gsm | mobiel
    | mobiele telefoon | mobiel nummer | numéro de portable | الجوال | رقم الجوال | الهاتف المحمول | 携帯電話
    | telefon komórkowy | komórka | mobilní telefon | мобильный телефон | мобильный | cep telefonu | cep tel
    | mobilnr | моб телефон | tel komórkowy ? cell | portable | mobilní | моб
fax: fax | fax number | faxnummer | télécopie | telefax | الفاكس | faks | факс
first name: first name | given name | forename | fname | vorname | prénom | prénoms | nombre de pila
    | primer nombre | primeiro nome | nome próprio | voornaam | imię | الاسم الأول | الاسم الاول | förnamn
    | fornavn | křestní jméno | jméno křestní | ad isim | prenom usuel | roepnaam | rufname ? given | first
    | nombre | nome | nombres | имя | jméno | ad | adı | isim | nome proprio
last name: last name | surname | family name | lname | nachname | familienname | zuname | nom de famille
    | apellido | apellidos | cognome | apelido | sobrenome | achternaam | nazwisko | اسم العائلة | اللقب
    | لقب العائلة | efternamn | efternavn | etternavn | příjmení | фамилия | soyadı | soyad | primer apellido
    | apellido paterno | soyisim ? nom | last | apellido 1 | nazwisko klienta | фамилия клиента
name: name | full name | nom complet | nombre completo | nome completo | naam | volledige naam | الاسم
    | الاسم الكامل | 氏名 | 名前 | 姓名 | namn | navn | imię i nazwisko | jméno a příjmení | фио | ad soyad
    | imię nazwisko | jméno příjmení | adı soyadı | имя и фамилия | фамилия имя отчество | fullständigt namn
    | nom prénom ? nom | nombre | nome | nom et prénom | nombre y apellidos | nazwa | název | наименование
    | название | adı | isim | имя | benämning | denominazione | denominación
zip: zip | zip code | zipcode | postal code | postcode | post code | plz | postleitzahl | code postal
    | código postal | codice postale | kod pocztowy | الرمز البريدي | 郵便番号 | 邮编 | postnummer | postnr
    | psč | почтовый индекс | posta kodu | kod poczt | poštovní směrovací číslo | postkod ? cap | cp | cep
    | postal | индекс
city: city | town | city name | stadt | wohnort | ville | ciudad | città | cidade | stad | woonplaats | miasto
    | المدينة | 市 | 城市 | poststed | město | город | şehir | 市区町村 | miejscowość | город доставки
    | bostadsort ? ort | plaats | commune | localidad | localidade | località | comune | locality | place
    | municipality | obec | población | postort | населенный пункт | ilçe | by | sted | il ilçe
country: country | country name | country region | pays | país | paese | kraj | الدولة | البلد | 国 | 国家
    | země | страна | ülke | państwo | stát | ülke adı | страна доставки | land kod ? land | nation
state: state | province | federal state | bundesland | provincia | provincie | المحافظة | الولاية | województwo
    | kraj region | область | obwód | oblast ? region | région | estado | canton | county | kraj | län | fylke
    | регион | il | eyalet
street: street | street address | street name | straße | strassenname | straßenname | rue | calle | rua | straat
    | straatnaam | ulica | الشارع | gata | gatuadress | gateadresse | ulice | улица | sokak | ulica i numer
    | ulica nr | ulice a číslo | ulice č p | ulice a č p | ulice číslo popisné | gade | vej | cadde sokak
    | straße hausnr | straße nr | straße und nr ? via | str | straße und hausnummer | straße hausnummer
    | street and number | rue et numéro | calle y número | straat en huisnummer | via e numero civico
    | улица дом | cadde
house number: house number | hausnummer | huisnummer | numéro de rue | číslo popisné | nr domu | numer domu
    | номер дома | husnummer | bina no | kapı no | numero civico | n civico ? hnr | дом | civico
address: address | mailing address | postal address | anschrift | postanschrift | adresse | adresse postale
    | dirección | dirección postal | indirizzo | endereço | morada | adres | العنوان | 住所 | 地址 | adress
    | adresa | адрес | adres zamieszkania | adres korespondencyjny | trvalé bydliště | postadress | postadresse
    | почтовый адрес | açık adres | адрес проживания ? domicile | domicilio
company: company | company name | firma | firmenname | unternehmen | société | entreprise | raison sociale
    | empresa | nombre de la empresa | azienda | ragione sociale | bedrijf | bedrijfsnaam | الشركة | اسم الشركة
    | 会社名 | 公司 | företag | företagsnamn | virksomhed | společnost | компания | şirket | nazwa firmy
    | nazwa przedsiębiorstwa | název firmy | název společnosti | firma adı | şirket adı | название компании
    | название организации | наименование организации | firmanavn | selskap | société client ? organization
    | employer | account name | business name | firmenbezeichnung | przedsiębiorstwo | organizacja | организация
    | spółka | bolag | ünvan | unvan | denominación social | denominazione sociale | denominación
website: website | web site | web page | webpage | homepage | webseite | site web | site internet | sitio web
    | sito web | página web | الموقع الإلكتروني | strona www | strona internetowa | webová stránka | webbplats
    | hemsida | nettsted | hjemmeside | сайт | веб сайт | web sitesi | internetadresse ? url | web | site | www
    | strona
birth date: birth date | birthdate | date of birth | birthday | dob | geburtsdatum | geburtstag | geb. datum
    | date de naissance | fecha de nacimiento | data di nascita | data de nascimento | geboortedatum
    | data urodzenia | geb am | geboren am | né le | née le | né e le | nato il | nata il | geboren op
    | nascido em | nacido el | تاريخ الميلاد | 生年月日 | födelsedatum | fødselsdato | datum narození
    | дата рождения | doğum tarihi | data ur | datum nar | födelsedag | født | fødselsdag | doğum günü
    | дата рожд | f nac | d nasc ? born | born on | geb | geboren | naissance | nacimiento | narozen | ur
    | geb dat
birth place: birth place | birthplace | place of birth | geburtsort | lieu de naissance | lugar de nacimiento
    | luogo di nascita | local de nascimento | naturalidade | geboorteplaats | مكان الميلاد | miejsce urodzenia
    | místo narození | födelseort | fødested | место рождения | doğum yeri
gender: gender | sex | geschlecht | sexe | sexo | sesso | geslacht | الجنس | 性別 | płeć | pohlaví | kön | køn
    | kjønn | пол | cinsiyet ? genre | género | genere | geschl
date: date | datum | fecha | التاريخ | 日付 | 日期 | дата | tarih | datum dne | tarihi | dato | päivämäärä
    ? data | day
start date: start date | date started | starting date | begin date | startdatum | anfangsdatum | date de début
    | fecha de inicio | data di inizio | data inizio | data de início | begindatum | تاريخ البدء
    | data rozpoczęcia | datum zahájení | startdato | başlangıç tarihi | fecha inicio ? beginn | start | début
    | inicio | začátek | początek | начало | дата начала
end date: end date | date ended | ending date | finish date | enddatum | date de fin | fecha de fin
    | fecha final | data di fine | data fine | data de fim | einddatum | تاريخ الانتهاء | data zakończenia
    | datum ukončení | slutdatum | sluttdato | slutdato | дата окончания | bitiş tarihi | fecha fin ? ende | end
    | fin | konec | koniec | конец
order date: order date | bestelldatum | auftragsdatum | date de commande | fecha de pedido | data ordine
    | data do pedido | orderdatum | besteldatum | data da encomenda | fecha del pedido | تاريخ الطلب | ordredato
    | beställningsdatum | data zamówienia | datum objednávky | дата заказа | sipariş tarihi | 注文日
    | date placed | data złożenia zamówienia | datum obj | datum vytvoření objednávky | дата оформления
    | дата оформления заказа | beställd | sipariş tar ? ordered | ordered on | date ordered | bestellt am
    | commandé le | ordinato il | дата создания заказа
invoice date: invoice date | rechnungsdatum | date de facture | date de facturation | fecha de factura
    | data fattura | data da fatura | factuurdatum | تاريخ الفاتورة | fakturadatum | fakturadato | data faktury
    | дата счета | fatura tarihi | data wystawienia faktury | datum vystavení faktury | дата выставления счета
    | fatura tar | datum faktury | data de emissão ? wystawiono | datum vystav | data wystawienia
    | datum vystavení | date d'émission | fecha de emisión | data di emissione | data emissione
due date: due date | fälligkeit | fälligkeitsdatum | date d'échéance | échéance | fecha de vencimiento
    | scadenza | data di scadenza | data de vencimento | vervaldatum | تاريخ الاستحقاق | termin płatności
    | splatnost | datum splatnosti | förfallodatum | förfallodag | forfaldsdato | forfallsdato | срок оплаты
    | срок платежа | оплатить до | vade | vade tarihi | son ödeme tarihi | zahlbar bis | à payer avant le
    ? fällig am | vencimiento | vencimento | payment due | vence | termin zapłaty | zahlungsziel | förfaller
gross amount: gross amount | gross | bruttobetrag | brutto | montant brut | importe bruto | importo lordo
    | montant ttc | ttc | valor bruto | brutobedrag | bruto | wartość brutto | kwota brutto | suma brutto
    | razem brutto | částka s dph | cena s dph celkem | bruttobelopp | belopp inkl moms | bruttobeløb
    | сумма с ндс | brüt tutar | kdv dahil tutar | total ttc | totale lordo | valor bruto total ? brutto kwota
    | brüt | s dph | inkl moms
net amount: net amount | net | nettobetrag | netto | montant net | importe neto | importo netto | montant ht
    | total ht | hors taxe | montant hors taxe | imponibile | base imponible | base imposable | valor líquido
    | nettobedrag | netto bedrag | الصافي | wartość netto | kwota netto | suma netto | razem netto
    | částka bez dph | základ daně | nettobelopp | belopp exkl moms | nettobeløb | сумма без ндс | net tutar
    | kdv hariç tutar | matrah | totale netto | betrag netto ? base | líquido | bez dph | exkl moms | podstawa
amount: amount | betrag | montant | importe | importo | montante | bedrag | kwota | المبلغ | 金額 | 金额
    | belopp | beløb | beløp | částka | сумма | tutar | suma | сумма платежа | сумма операции | işlem tutarı
    | kwota transakcji | částka platby ? sum | value | wert | valor | tutarı | hodnota | wartość | summa
total: total | total amount | grand total | gesamt | gesamtbetrag | gesamtsumme | summe | montant total
    | importe total | totale | totaal | totaalbedrag | valor total | importo totale | الإجمالي | المجموع
    | totalbelopp | totalbeløb | totalbeløp | kwota razem | celková částka | итого | toplam tutar | 合計金額
    | 合計 | razem | łącznie | celkem | suma całkowita | всего | сумма итого | общая сумма | genel toplam
    | toplam | totalsumma | totalsum | итоговая сумма | summe gesamt | importe a pagar | total a pagar
    | totaal incl | celkem s dph ? montant ttc | total ttc | gross | do zapłaty | k úhradě | att betala | suma
    | сумма | ödenecek tutar | à payer | zu zahlen
quantity: quantity | qty | q tà | q té | menge | anzahl | stückzahl | quantité | qté | cantidad | quantità
    | quantidade | aantal | hoeveelheid | ilość | الكمية | 数量 | antal | antall | množství | количество
    | miktar | кол во | кол | колво | adet | sztuk | liczba sztuk | počet kusů | stk | st antal | qty ordered
    | ordered qty | quantità ordinata | cantidad pedida | bestellte menge | quantité commandée | qtd | qtde
    | cant | ilość sztuk | количество шт ? pieces | stück | units | count | ks | szt | шт | kusy | miktarı
    | počet ks | uds | unidades | unités | unità | pz | liczba | počet
price: price | preis | prix | precio | prezzo | preço | prijs | cena | السعر | 価格 | 价格 | pris | цена | fiyat
    | fiyatı | стоимость ? rate | cost | kosten | hinta | cena brutto | cena netto
unit price: unit price | p u | p u ht | price per unit | price each | einzelpreis | stückpreis | prix unitaire
    | precio unitario | prezzo unitario | preço unitário | eenheidsprijs | stukprijs | stuksprijs | سعر الوحدة
    | 単価 | styckpris | stykpris | enhetspris | enhedspris | cena jednostkowa | jednotková cena
    | цена за единицу | birim fiyat | birim fiyatı | cena jedn | cena za kus | cena za ks | cena za sztukę
    | цена за шт | цена за ед | precio unit | prezzo unit | prezzo cad | preço unit | pvp unitario
    | p v p unitario | prix unit | valor unitário | preis pro stück | preis je einheit | e preis
    | prijs per stuk | prijs per eenheid ? price ea | cena szt | цена шт | j cena | p unit | pvp
    | cena jednostkowa netto
currency: currency | currency code | währung | devise | moneda | divisa | moeda | waluta | العملة | 通貨 | 货币
    | měna | валюта | para birimi | валюта платежа | valutakod | valutakode | kod waluty | kód měny | döviz
    | döviz cinsi | код валюты | devise code ? monnaie | munt | valuta | para | kur | doviz
vat: vat | mwst | mehrwertsteuer | ust | umsatzsteuer | tva | iva | btw | ضريبة القيمة المضافة | kwota vat
    | podatek vat | vat kwota | dph | moms | ндс | kdv | сумма ндс | kdv tutarı | částka dph | momsbelopp
    | momsbeløb | mva | montant tva | importe iva | cuota iva | importo iva | valor iva | valor do iva
    | btw bedrag | mwst betrag | ust betrag ? tax | gst | steuer | imposto | impuesto | imposta | belasting
    | الضريبة | podatek | daň | vergi
tax: tax | tax amount | steuer | steuerbetrag | taxe | taxes | impuesto | impuestos | imposta | imposte
    | imposto | impostos | belasting | الضريبة | podatek | daň | skatt | skat | налог | vergi ? vat | mwst | ust
    | tva | iva | btw | gst | sales tax
vat rate: vat rate | mwst satz | mehrwertsteuersatz | taux de tva | tipo de iva | aliquota iva | taxa de iva
    | btw tarief | btw percentage | stawka vat | sazba dph | momssats | ставка ндс | kdv oranı | taxa iva
    | iva % | vat % | mwst % | stawka podatku | tva % | dph % | moms % | % iva | % tva | btw % ? tax rate
    | steuersatz | aliquota | stawka | sazba
tax rate: tax rate | steuersatz | taux de taxe | tipo impositivo | aliquota | taxa de imposto | stawka podatkowa
    | sazba daně | skattesats | налоговая ставка | vergi oranı ? vat rate | mwst satz
vat number: vat number | vat id | ust id | ust idnr | ust id nummer | umsatzsteuer id | numéro de tva
    | numéro tva | tva intracommunautaire | partita iva | p iva | número de iva | btw nummer | nif iva
    | الرقم الضريبي | numer vat | vat reg no | vat registration number | vat reg number | vat no | dič
    | momsregistreringsnummer | vat nummer | momsnr | cvr nummer | n tva | n iva | идентификационный номер ндс
    ? tax number | nif | nip | инн | vergi numarası | dic | nip ue
tax number: tax number | tax id | steuernummer | steuer id | numéro fiscal | número fiscal | codice fiscale
    | número de contribuinte | fiscaal nummer | numer nip | инн | vergi no | vergi numarası | vergi kimlik no
    | daňové číslo | nr nip | codice fiscale partita iva | cod fisc | cód fiscal | n contribuinte | nif cif
    | cif nif ? nif | cif | nip | rfc | vat number | vat id | steuer nummer | dič | ičo | org nr | regon
    | organisationsnummer
invoice number: invoice number | invoice id | rechnungsnummer | rechnungs number | numéro de facture
    | número de factura | numero fattura | numero di fattura | número da fatura | factuurnummer | رقم الفاتورة
    | facture number | factura number | fattura number | fakturanummer | numer faktury | číslo faktury
    | номер счета | fatura numarası | nr faktury | faktura nr | nr fv | č faktury | faktura č | fakturanr
    | номер счета фактуры | счет фактура номер | fatura no | fakt nr | n facture | n factura | n fattura
    | n da fatura | rg nr | rech nr | rechnungsnr | re nr | factuurnr | facturanummer ? bill number
    | doklad číslo | nr dokumentu | belegnummer | numer dokumentu | faktura číslo | номер фактуры
order number: order number | order id | bestellnummer | bestell number | auftragsnummer | auftrags number
    | numéro de commande | número de pedido | numero ordine | número do pedido | ordernummer | bestelnummer
    | رقم الطلب | 注文番号 | ordrenummer | numer zamówienia | číslo objednávky | номер заказа | sipariş numarası
    | sipariş no | nr zamówienia | zamówienie nr | č objednávky | objednávka č | ordernr | ordrenr | заказ номер
    | заказ | сipariş | sipariş nr | sip no | best nr | auftragsnr | bestellnr | n commande | n pedido
    | n ordine | n encomenda | номер зак ? zamówienie | objednávka | beställningsnummer | po number | po
customer number: customer number | customer id | client number | client id | kundennummer | kundennr
    | kunden number | kunden id | numéro client | numéro de client | número de cliente | codice cliente
    | klantnummer | رقم العميل | kundnummer | kundenummer | numer klienta | číslo zákazníka | номер клиента
    | müşteri numarası | nr klienta | kundnr | č zákazníka | müşteri no | код клиента | kod klienta
    | kód zákazníka | müşteri kodu | kd nr | debitorennummer | debitor nr | code client | cód cliente | klantnr
    | debiteurnummer | kundenr | id klienta | klient id | kontrahent nr ? customer code | account number
    | debitor | код контрагента
employee number: employee number | employee id | staff number | personalnummer | personal number
    | mitarbeiternummer | matricule | número de empleado | matricola | personeelsnummer | رقم الموظف
    | nr pracownika | numer pracownika | numer ewidencyjny | anställningsnummer | anst nr | medarbejdernummer
    | ansattnummer | табельный номер | таб номер | sicil no | sicil numarası | personel no | pers nr
    | personalnr | personeelsnr | nº de funcionário | n funcionário | nº empleado | n empleado | num empleado
    | n matricola | n matricule | legajo | mat ? badge number | staff id | personnel number | código de empleado
    | código do funcionário | número de funcionário | codice dipendente | medewerker nummer | osobni cislo
    | таб n | ansattnr | osobní číslo
item number: item number | item id | article number | artikelnummer | artikelnr | art number | artikel number
    | numéro d'article | código de artículo | numero articolo | رقم الصنف | kod towaru | indeks towaru
    | nr artykułu | numer artykułu | kod produktu | kód zboží | kód produktu | číslo zboží | varenummer | varenr
    | артикул | код товара | ürün kodu | stok kodu | art nr | n article | n articolo | n artículo | cod articolo
    | cód artigo | cod art | n artigo | artikelcode | item no | item code ? sku | product code | part number
    | reference | référence article | réf article | référence de l'article | referencia del artículo
    | riferimento articolo | referência do artigo | article code | codice articolo | código de producto
    | code article | stock keeping unit | symbol | indeks | номенклатура | kod
product: product | product name | produkt | produktname | produit | producto | prodotto | produto | المنتج
    | 商品 | 产品 | nom du produit | nombre del producto | nome prodotto | nome do produto | productnaam
    | اسم المنتج | produktnamn | produktnavn | продукт | ürün | produktu nazwa | nazwa produktu | nazwa towaru
    | název produktu | název zboží | zboží | towar | vara | vare | varunamn | товар | наименование товара
    | название товара | наименование продукта | ürün adı | stok adı | malzeme | malzeme adı
    | désignation produit | désignation du produit | designação do produto | designação do artigo
    | désignation article | désignation de l'article | denominación del producto | denominazione prodotto
    | artikelname | nombre producto | nom produit ? item | article | artikel | artículo | articolo | title
    | nazwa | název | наименование | benämning | designação | désignation | denominación | denominazione
    | item name | item description | descripción del producto | номенклатура | artikelbezeichnung | položka
customer: customer | client | kunde | cliente | klant | العميل | 顧客 | 客户 | kund | klient | zákazník | клиент
    | müşteri | nabywca | kontrahent | odběratel | kupující | покупатель | заказчик | acheteur | comprador
    | acquirente | käufer | koper ? customer name | kundenname | account | buyer | контрагент | alıcı | cari
    | cari adı | köpare | køber | besteller | müşteri adı | müşteri ünvanı | kundnamn | kundenavn
    | nazwa klienta | jméno zákazníka | název zákazníka | имя клиента | клиент имя | nom client | nom du client
    | nombre cliente | nombre del cliente | nome cliente | nome do cliente | klantnaam
description: description | beschreibung | descripción | descrizione | descrição | omschrijving | الوصف | 説明
    | popis | opis | beskrivning | beskrivelse | описание | açıklama | opis produktu | popis produktu | kuvaus
    | opis towaru ? bezeichnung | details | libellé | title | désignation | concepto | текст | text
    | specifikation | açıklaması | benämning | libelle | artikelbezeichnung | produktbezeichnung
    | désignation article | designação do artigo | наименование товара
note: note | notes | remark | remarks | comment | comments | bemerkung | bemerkungen | kommentar | anmerkung
    | anmerkungen | notiz | notizen | remarque | remarques | commentaire | commentaires | observación
    | observaciones | comentario | comentarios | nota | notas | osservazioni | annotazioni | observações
    | opmerking | opmerkingen | ملاحظات | ملاحظة | 備考 | 备注 | uwagi | uwaga | notatka | notatki | komentarz
    | poznámka | poznámky | komentář | anteckning | anteckningar | bemærkning | bemærkninger | merknad | notat
    | примечание | примечания | комментарий | комментарии | notlar | açıklama notu | yorum | obs ? memo | info
    | заметка | заметки | merk | anm | bem
department: department | abteilung | departamento | reparto | dipartimento | afdeling | القسم | 部署 | 部门
    | dział | oddělení | avdelning | avdeling | отдел | подразделение | departman | bölüm | departament | dépt
    | depto | abt ? service | division | département | wydział | odbor | středisko | birim | отделение | osasto
    | úsek
manager: manager | line manager | vorgesetzter | responsable | responsable hiérarchique | responsabile | gerente
    | leidinggevende | المدير | przełożony | kierownik | vedoucí | nadřízený | nærmeste leder | руководитель
    | начальник | yönetici | menedżer | manažer | närmaste chef ? supervisor | boss | lead | reports to | jefe
    | jefa | gestor | superior | capo | chef | führungskraft | teamleiter | team lead | müdür | leder
salutation: salutation | anrede | civilité | tratamiento | titolo di cortesia | aanhef | zwrot grzecznościowy
    | oslovení | tilltal | обращение | hitap ? title | honorific
job title: job title | berufsbezeichnung | stellenbezeichnung | intitulé du poste | mansione | puesto | cargo
    | qualifica | functie | المسمى الوظيفي | stanowisko | stanowisko pracy | pracovní pozice | befattning
    | stilling | stillingsbetegnelse | yrkestitel | должность | görev | pozycja zawodowa | titel befattning
    | puesto de trabajo | intitulé de poste | cargo actual | poste ? position | role | function | funktion
    | fonction | función | funzione | função | occupation | beruf | job | pozycja | funkce | ünvan | titel
    | pozisyon | tittel | görevi | profession | yrke | pozice | unvanı | funkcja | stelle
volume: volume | volumen | الحجم | objętość | objem | volym | объем | hacim ? cubic meters | rauminhalt
reference: reference | referenz | référence | referencia | riferimento | referência | referentie | المرجع
    | referens | referencja | nr referencyjny | referanse | referans | referans no | numer referencyjny
    ? ref code | ref n | nr ref
weight: weight | gewicht | poids | peso | الوزن | 重量 | waga | hmotnost | váha | vikt | vægt | vekt | вес
    | ağırlık | ağırlığı | kg gewicht ? mass | gross weight | net weight | bruttogewicht | nettogewicht
    | poids brut | poids net | peso bruto | peso neto | peso lordo | peso netto | brutogewicht | masa
height: height | höhe | hauteur | altura | altezza | hoogte | الارتفاع | wysokość | výška | höjd | højde | høyde
    | высота | yükseklik ? alto | size
width: width | breite | largeur | anchura | larghezza | largura | breedte | العرض | szerokość | šířka | bredd
    | bredde | ширина | genişlik ? ancho
length: length | länge | longueur | longitud | lunghezza | comprimento | lengte | الطول | długość | délka
    | längd | længde | lengde | длина | uzunluk
color: color | colour | farbe | couleur | colore | cor | kleur | اللون | 色 | 颜色 | kolor | barva | färg
    | farve | farge | цвет | renk
size: size | größe | taille | talla | taglia | tamanho | maat | المقاس | rozmiar | velikost | storlek
    | størrelse | размер | beden | boyut ? dimension
category: category | kategorie | catégorie | categoría | categoria | categorie | الفئة | カテゴリ | 类别
    | kategoria | kategori | категория | kategorisi | grupa towarowa | catégorie produit | produktkategori
    ? type | group | class | grupa | skupina | grupp | группа | familia | famille | famiglia | família
    | warengruppe | wgr | rodzina | ürün grubu
status: status | statut | estatus | stato | الحالة | situação | stav | статус | durum | ステータス
    | status zamówienia | stav objednávky | статус заказа | sipariş durumu | durumu | tila ? state | estado
    | bearbeitungsstatus | auftragsstatus | bestellstatus | order status | current status
language: language | sprache | langue | idioma | lingua | língua | taal | اللغة | 言語 | 语言 | język | jazyk
    | språk | sprog | язык | dil ? locale
nationality: nationality | staatsangehörigkeit | nationalität | nationalité | nacionalidad | nazionalità
    | الجنسية | narodowość | obywatelstwo | národnost | státní občanství | občanství | nationalitet
    | medborgarskap | гражданство | uyruk | uyruğu
username: username | user name | login name | benutzername | nom d'utilisateur | nombre de usuario | nome utente
    | gebruikersnaam | اسم المستخدم | nazwa użytkownika | uživatelské jméno | användarnamn | brugernavn
    | brukernavn | имя пользователя | логин | kullanıcı adı ? login | user | user id
iban: iban | iban number ? bank account
latitude: latitude | breitengrad | latitud | latitudine | خط العرض
longitude: longitude | längengrad | longitudine | خط الطول ? long
salary: salary | wage | wages | gehalt | lohn | salaire | salario | sueldo | stipendio | retribuzione | salário
    | ordenado | salaris | loon | wynagrodzenie | الراتب | pensja | płaca | mzda | lønn | månadslön | зарплата
    | оклад | заработная плата | maaş ? pay | compensation | vencimento | remuneration | income | plácé
    | gehalt brutto | loon bruto | pensja zasadnicza | plat | ücret | ral | wynagrodzenie brutto | hrubá mzda
    | brüt maaş | retribuzione lorda | salaire brut | sueldo bruto | salario bruto | sueldo bruto anual
    | salário bruto | bruttogehalt | monatsgehalt | jahresgehalt | bruttolohn | brutoloon | brutosalaris
    | gross salary | base salary | salario base | salaire de base | stipendio lordo
hire date: hire date | hiring date | date hired | date of hire | joining date | date of joining | date joined
    | employment date | eintrittsdatum | einstellungsdatum | date d'embauche | fecha de contratación
    | fecha de ingreso | data di assunzione | data de admissão | data de contratação | datum in dienst
    | indiensttreding | in dienst sinds | تاريخ التعيين | data zatrudnienia | data przyjęcia | datum nástupu
    | nástup | anställningsdatum | anställd | ansettelsesdato | ansættelsesdato | ansat dato | дата приема
    | дата приема на работу | дата трудоустройства | işe giriş tarihi | işe başlama tarihi | data assunzione
    | date d'entrée | fecha de incorporación | data admissão | datum indiensttreding | dt admissão | eintritt am
    ? eintritt | fecha de alta | joined | entry date | start date | anställningsdag | fecha ingreso | fecha alta
    | starting
leaving date: leaving date | termination date | exit date | austrittsdatum | date de départ | date de sortie
    | fecha de baja | data di cessazione | data de demissão | datum uit dienst | data zwolnienia | data odejścia
    | datum odchodu | datum ukončení pracovního poměru | avgångsdatum | fratrædelsesdato | дата увольнения
    | işten çıkış tarihi | işten ayrılma tarihi | data cessazione | date de fin de contrat ? austritt
    | kündigungsdatum | sluttdato | slutdatum
marital status: marital status | familienstand | zivilstand | état civil | situation familiale | estado civil
    | stato civile | burgerlijke staat | الحالة الاجتماعية | stan cywilny | rodinný stav | civilstånd
    | civilstand | sivilstand | семейное положение | medeni durum | medeni hali
cost center: cost center | cost centre | kostenstelle | centre de coût | centre de coûts | centro de coste
    | centro de costes | centro de costos | centro di costo | centro de custo | kostenplaats | مركز التكلفة
    | centrum kosztów | nákladové středisko | kostnadsställe | kostnadssted | omkostningssted | центр затрат
    | мвз | masraf merkezi ? kst | kostenträger | ks | koststed | mpk
social security number: social security number | ssn | sozialversicherungsnummer | numéro de sécurité sociale
    | número de seguridad social | pesel | rodné číslo | personnummer | снилс | tc kimlik no | t c kimlik no
    | cpr nummer | fødselsnummer | numéro ss | n ss | nº ss | sv nummer | sv nr ? national insurance number
    | bsn | nº afiliación | n afiliación
employee: employee | mitarbeiter | mitarbeiterin | employé | empleado | dipendente | funcionário | colaborador
    | medewerker | الموظف | pracownik | zaměstnanec | medarbetare | medarbejder | ansatt | сотрудник | работник
    | çalışan | personel ? staff | worker | anställd
supplier: supplier | vendor | lieferant | fournisseur | proveedor | fornitore | fornecedor | leverancier
    | المورد | dostawca | dodavatel | leverantör | leverandør | поставщик | tedarikçi ? seller | supplier name
    | продавец | sprzedawca | satıcı | nazwa dostawcy | leverantörsnamn
manufacturer: manufacturer | hersteller | fabricant | fabricante | produttore | fabrikant | الشركة المصنعة
    | producent | výrobce | tillverkare | produsent | производитель | üretici ? maker | producer | изготовитель
contact person: contact person | ansprechpartner | ansprechpartnerin | kontaktperson | personne de contact
    | persona de contacto | persona di contatto | pessoa de contacto | pessoa de contato | contactpersoon
    | osoba kontaktowa | kontaktní osoba | контактное лицо | ilgili kişi | yetkili kişi | irtibat kişisi
    | interlocuteur | persona contacto ? contact | yetkili | kontakt | контакт | ansprechp | interlocutor
    | referente
invoice: invoice | rechnung | facture | factura | fattura | fatura | factuur | الفاتورة | faktura | счет фактура
    ? bill | rg | rechn
order: order | bestellung | auftrag | commande | pedido | ordine | encomenda | bestelling | zamówienie | الطلب
    | objednávka | beställning | bestilling | sipariş ? заказ | ordine n | sip | ordre
project: project | project name | projekt | projet | proyecto | progetto | projeto | المشروع | projekt nazwa
    | prosjekt | проект | proje
booking date: booking date | posting date | buchungstag | buchungsdatum | date comptable | date d'opération
    | date opération | fecha de operación | fecha operación | fecha contable | data contabile | data operazione
    | data do movimento | data movimento | data de lançamento | boekdatum | boekingsdatum | تاريخ العملية
    | data księgowania | data zaksięgowania | datum zaúčtování | datum zauctovani | zaúčtováno | bokföringsdag
    | bokföringsdatum | bokförd | bogføringsdato | bogført | bokført | bokføringsdato | дата проводки
    | kayıt tarihi | datum pohybu | datum provedení | data operacji | data transakcji | datum transakce
    | transaktionsdatum | transaktionsdag | f operación | fecha mov | fecha movimiento | data mov | data contab
    | date opé | buchungsdat ? transaction date | buchung | transactiedatum | date | date op
    | data dokonania operacji | işlem zamanı | дата операции | işlem tarihi
value date: value date | valutadatum | wertstellung | wertstellungsdatum | wertstellungstag | date de valeur
    | date valeur | fecha valor | fecha de valor | data valuta | data di valuta | data valor | rentedatum
    | تاريخ القيمة | data waluty | datum valuty | valutadag | valutadato | rentedato | räntedag
    | дата валютирования | valör | valör tarihi | f valor | wert datum | valuta datum | wertst ? valuta
    | effective date
balance: balance | account balance | saldo | kontostand | solde | الرصيد | saldo po operacji | saldo końcowe
    | zůstatek | zůstatek po | saldoefter | bokfört saldo | bakiye | saldo disponible | nouveau solde
    | saldo contabile | saldo contábil | kontosaldo | saldo actual ? running balance | остаток на счете
    | disponível | остаток | баланс
purpose: purpose | payment purpose | verwendungszweck | causale | mededeling | mededelingen | الغرض
    | tytuł operacji | tytuł przelewu | tytułem | zpráva pro příjemce | zpráva pro příjemce i pro mě
    | účel platby | poznámka k platbě | meddelande | назначение платежа | ödeme açıklaması | motif du virement
    | betreft | causale movimento | observaciones del movimiento ? concepto | libellé | motif | omschrijving
    | payment reference | payment details | reference | zweck | description | memo | narrative
    | remittance information | descrizione | descrição | objet | zpráva | popis | opis | opis operacji
    | meddelelse | açıklama | описание | описание операции | beskrivning | tekst | text | popis transakce
    | buchungstext | beskrivelse | tytuł | назначение | communication
payee: payee | beneficiary | begünstigter | zahlungsempfänger | bénéficiaire | beneficiario | beneficiário
    | begunstigde | المستفيد | příjemce | beneficjent | betalningsmottagare | получатель платежа | alacaklı
    ? recipient | empfänger | counterparty | odbiorca | mottagare | alıcı | получатель | modtager
    | odbiorca płatności
payer: payer | auftraggeber | zahlungspflichtiger | donneur d'ordre | ordenante | ordinante | opdrachtgever
    | الدافع | plátce | płatnik | betalare | плательщик | ödeyen | remitter ? debtor | counterparty | sender
    | nadawca | отправитель
counterparty: counterparty | counter party | contrapartida | contraparte | controparte | tegenpartij
    | název protiúčtu | název účtu protistrany | protistrana | protiúčet název | nadawca odbiorca
    | odbiorca nadawca | dane kontrahenta | motpart | mottagare avsändare | контрагент | karşı taraf
    | jméno protistrany | nazwa kontrahenta | nombre contraparte | name auftraggeber empfänger
    | empfänger auftraggeber | beneficiario ordenante ? payee | beneficiary | begünstigter
    | begünstigter zahlungspflichtiger | auftraggeber empfänger | auftraggeber begünstigter | bénéficiaire
    | beneficiario | beneficiário | begunstigde | zahlungsempfänger | payer | naam tegenpartij | protiúčet
    | kontrahent | alıcı gönderen | name zahlungsbeteiligter
bic: bic | swift | swift code | bic code | swift bic | bic swift | code bic | código swift | código bic
    | codice bic | رمز السويفت
account number: account number | kontonummer | numéro de compte | número de cuenta | numero di conto
    | numero conto | número da conta | número de conta | rekeningnummer | رقم الحساب | numer konta | nr konta
    | numer rachunku | nr rachunku | číslo účtu | kontonr | hesap no | hesap numarası | rekeningnr | n conto
    | n cuenta | n compte | konto nr | nº de conta ? iban | номер счета | rachunek | účet | konto | счет | hesap
account holder: account holder | account owner | kontoinhaber | titulaire du compte | titular de la cuenta
    | titular | intestatario | titular da conta | rekeninghouder | صاحب الحساب | właściciel rachunku
    | posiadacz rachunku | majitel účtu | kontohavare | kontoindehaver | владелец счета | hesap sahibi
bank: bank | bank name | banque | banco | banca | nome della banca | البنك | nazwa banku | banka | název banky
    | банк | bankens namn | banka adı ? kreditinstitut | financial institution
debit: debit | debit amount | débit | débito | addebito | dare | obciążenia | obciążenie | debet | списание
    | borç | udgift | kwota obciążenia | mouvement débiteur | débits ? soll | debe | cargo | cargos | af
    | withdrawal | má dáti | расходы | wypływy | çıkan | sorties | salidas | расход | uscite | výdaje
credit: credit | credit amount | crédit | crédito | accredito | avere | uznania | uznanie | поступление | alacak
    | indtægt | kwota uznania | crédits ? haben | haber | abono | abonos | bij | deposit | dal | доходы | wpływy
    | giren | entrées | ingresos | kredit | приход | entrate | příjmy
fee: fee | fees | gebühr | gebühren | frais | comisión | commissione | commissioni | comissão | الرسوم | opłata
    | opłaty | prowizja | poplatek | poplatky | avgift | gebyr | комиссия | komisyon | ücreti ? charge | charges
    | taxa | masraf
payment method: payment method | payment type | zahlungsart | zahlungsmethode | zahlungsweise | mode de paiement
    | moyen de paiement | método de pago | forma de pago | metodo di pagamento | modalità di pagamento
    | método de pagamento | forma de pagamento | betaalmethode | betaalwijze | طريقة الدفع | forma płatności
    | sposób płatności | metoda płatności | způsob platby | platební metoda | forma úhrady | betalningssätt
    | betalsätt | betalingsmåde | betalingsmetode | betalningsmetod | способ оплаты | форма оплаты | ödeme şekli
    | ödeme yöntemi | ödeme tipi | tipo de pago | tipo pagamento | meio de pagamento | condizioni pagamento
    ? platba | płatność
payment date: payment date | paid on | date paid | zahlungsdatum | bezahlt am | date de paiement | fecha de pago
    | data di pagamento | data pagamento | data de pagamento | betaaldatum | تاريخ الدفع | data płatności
    | data zapłaty | datum platby | datum úhrady | betalningsdatum | betaldatum | betalingsdato | дата оплаты
    | дата платежа | ödeme tarihi | data zaplaty ? betald | zaplaceno | zapłacono | оплачено
discount: discount | rabatt | nachlass | remise | réduction | descuento | sconto | desconto | korting | الخصم
    | rabat | sleva | скидка | indirim | iskonto | upust | rabat % | remise % ? rebate | descto | dto
carrier: carrier | shipping company | spediteur | frachtführer | transporteur | transportista | corriere
    | vettore | transportadora | vervoerder | الناقل | شركة الشحن | przewoźnik | dopravce | fraktare
    | transportör | fragtmand | перевозчик | kargo firması ? courier | forwarder | versanddienstleister
    | spedition | logistics provider | shipped via | spedytor | spedice | kurier | kargo
sender: sender | shipper | consignor | absender | versender | expéditeur | remitente | mittente | remetente
    | afzender | المرسل | nadawca | odesílatel | avsändare | afsender | avsender | отправитель | gönderen
    | gönderici
recipient: recipient | consignee | empfänger | destinataire | destinatario | destinatário | ontvanger | المستلم
    | المرسل إليه | odbiorca | příjemce zásilky | mottagare | modtager | mottaker | получатель | alıcı adı
    ? receiver | addressee | příjemce | alıcı
shipping date: shipping date | ship date | shipment date | shipped on | dispatch date | date shipped
    | versanddatum | date d'expédition | date d'envoi | fecha de envío | fecha de expedición
    | data di spedizione | data spedizione | data de envio | data de expedição | verzenddatum | تاريخ الشحن
    | data wysyłki | data nadania | datum odeslání | datum expedice | skickat datum | leveransdatum ut
    | forsendelsesdato | sendedato | дата отправки | дата отгрузки | kargo tarihi | sevk tarihi
    | gönderim tarihi | ship dt | fecha envío | fecha expedición | date d'exp | data sped | versand am
    | verzonden op | leveringsdatum ut ? wysłano | odesláno | skickad | versendet am
delivery date: delivery date | date delivered | lieferdatum | liefertermin | date de livraison
    | fecha de entrega | data di consegna | data consegna | data de entrega | leverdatum | afleverdatum
    | bezorgdatum | تاريخ التسليم | data dostawy | data doręczenia | datum dodání | datum doručení
    | leveransdatum | leveransdag | leveringsdato | дата доставки | teslim tarihi | teslimat tarihi
    | fecha entrega | data entrega | date liv | termin dostawy ? delivered on | doručeno | levererad
tracking number: tracking number | tracking id | tracking code | sendungsnummer | sendungs id
    | sendungsverfolgungsnummer | paketnummer | trackingnummer | numéro de suivi | número de seguimiento
    | numero di tracking | numero di tracciamento | codice di tracciamento | número de rastreio
    | código de rastreio | رقم التتبع | numer przesyłki | numer śledzenia | nr przesyłki | sledovací číslo
    | číslo zásilky | spårningsnummer | kollinummer | sporingsnummer | трек номер | номер отслеживания
    | takip no | takip numarası | kargo takip no | tracking no | n de suivi | n suivi | cod tracking
    | track trace code | trackingnr | sendungsnr ? track and trace | shipment number | waybill number | tracking
    | seguimiento | трек
pieces: pieces | packages | parcels | number of pieces | number of packages | colli | packstücke
    | anzahl packstücke | colis | nombre de colis | bultos | número de bultos | numero colli | aantal colli
    | عدد الطرود | liczba paczek | počet balíků | antal kolli | количество мест | koli adedi | nb colis | paczki
    ? volumes | boxes | stück | cartons | kolli | мест | koli
destination: destination | zielort | bestimmungsort | destino | destinazione | bestemming | الوجهة
    | miejsce docelowe | cíl | destinace | bestemmelsessted | место назначения | varış yeri | varış ? ziel | mål
origin: origin | herkunft | ursprung | provenance | origine | origen | origem | herkomst | المنشأ | pochodzenie
    | kraj pochodzenia | původ | země původu | ursprungsland | oprindelsesland | происхождение
    | страна происхождения | menşei | menşe | country of origin | herkunftsland | pays d'origine
    | país de origen | paese di origine | país de origem | land van herkomst
shipping cost: shipping cost | shipping costs | shipping fee | delivery cost | delivery fee | versandkosten
    | lieferkosten | frais de port | frais de livraison | frais d'expédition | gastos de envío | costes de envío
    | spese di spedizione | costi di spedizione | portes de envio | custos de envio | frete | verzendkosten
    | bezorgkosten | تكلفة الشحن | koszt dostawy | koszt wysyłki | koszty dostawy | cena dopravy | doprava
    | poštovné | fraktkostnad | frakt | fragt | forsendelse pris | стоимость доставки | kargo ücreti
    | kargo bedeli | sped costi | portes | gastos envío | spese spedizione | verzendkosten incl ? freight
    | fracht | porto | shipping | postage | доставка | przesyłka | teslimat ücreti
shipping address: shipping address | delivery address | lieferadresse | lieferanschrift | versandadresse
    | adresse de livraison | adresse d'expédition | dirección de envío | dirección de entrega
    | indirizzo di spedizione | indirizzo di consegna | endereço de entrega | morada de entrega | afleveradres
    | bezorgadres | verzendadres | عنوان الشحن | عنوان التسليم | adres dostawy | adres wysyłki | dodací adresa
    | doručovací adresa | leveransadress | leveringsadresse | адрес доставки | teslimat adresi | sevk adresi
    | kargo adresi | adr livraison | dir envío | dirección envío | indirizzo spedizione | indirizzo consegna
    | morada entrega | leveringsadres ? ship to
billing address: billing address | invoice address | rechnungsadresse | rechnungsanschrift
    | adresse de facturation | dirección de facturación | indirizzo di fatturazione | endereço de faturação
    | morada de faturação | endereço de cobrança | factuuradres | عنوان الفاتورة | adres rozliczeniowy
    | adres do faktury | fakturační adresa | fakturaadress | faktureringsadress | faktureringsadresse
    | fatura adresi | adr facturation | dirección facturación | dirección fiscal | indirizzo fatturazione
    | morada faturação ? bill to | адрес плательщика
brand: brand | brand name | marke | markenname | marque | marca | merk | العلامة التجارية | marka | značka
    | märke | varumärke | mærke | merke | бренд | производитель марка | торговая марка ? марка | varemærke
barcode: barcode | bar code | ean | gtin | upc | ean code | strichcode | code barres | code à barres
    | código de barras | codice a barre | streepjescode | الباركود | kod kreskowy | kod ean | čárový kód
    | ean kód | streckkod | stregkode | strekkode | штрихкод | штрих код | barkod | barkod no | cód barras
    | cod barras | codice ean | cód ean | código ean | gencod | eancode | ean13 | ean 13
stock: stock | in stock | stock quantity | stock level | quantity in stock | on hand | quantity on hand
    | lagerbestand | quantité en stock | en stock | existencias | giacenza | scorte | estoque | voorraad
    | المخزون | stan magazynowy | stan mag | stav skladu | skladem | stav zásob | množství skladem | lagersaldo
    | lagerbeholdning | остаток на складе | в наличии | stok | stok miktarı | mevcut stok | ilość na stanie
    | ilość w magazynie | qtd stock | qtd em stock | cantidad en stock | stock disponible | stock actuel
    | quantità in giacenza | stock attuale | estoque atual | voorraad aantal | saldo lager | lagermenge
    | aktueller bestand ? inventory | bestand | available | lager | disponible | magazzino | zásoba | остаток
    | остатки | stan | mevcut | dostępność | saldo
warehouse: warehouse | lagerort | entrepôt | almacén | magazzino | armazém | magazijn | المستودع | magazyn
    | sklad | lagersted | склад | depo | depo adı | skladiště ? lager | dépôt | lagerplats
supplier number: supplier number | vendor number | lieferantennummer | numéro de fournisseur
    | número de proveedor | codice fornitore | leveranciersnummer | nr dostawcy | kod dostawcy
    | číslo dodavatele | leverantörsnummer | leverandørnummer | код поставщика | tedarikçi kodu | tedarikçi no
    | lieferantennr | kreditorennummer
contract number: contract number | vertragsnummer | numéro de contrat | número de contrato | numero contratto
    | contractnummer | رقم العقد | nr umowy | numer umowy | číslo smlouvy | avtalsnummer | kontraktnummer
    | номер договора | договор номер | sözleşme no | sözleşme numarası | vertragsnr | n contrato | n contrat
    ? umowa | smlouva
purchase price: purchase price | buying price | einkaufspreis | prix d'achat | precio de compra
    | prezzo di acquisto | preço de compra | inkoopprijs | سعر الشراء | cena zakupu | cena nákupní
    | nákupní cena | inköpspris | indkøbspris | innkjøpspris | закупочная цена | цена закупки | alış fiyatı
    | preço de custo | prezzo acquisto | preço compra | precio compra | precio de coste | precio coste
    | prix de revient | kostprijs | costo ? cost | cost price | ek | cena nak | self cost | prix d'achat ht
    | ek preis | ek netto | costo unitario | coût unitaire
sales price: sales price | selling price | retail price | verkaufspreis | prix de vente | precio de venta
    | prezzo di vendita | preço de venda | verkoopprijs | سعر البيع | cena sprzedaży | cena detaliczna
    | prodejní cena | försäljningspris | salgspris | utsalgspris | utpris | цена продажи | розничная цена
    | satış fiyatı | perakende fiyatı | preço venda | prezzo vendita | precio venta | pvp | p v p | verkaufspr
    | prix public | adviesprijs | prezzo al pubblico | prezzo listino | list price | listenpreis ? vk | cena
    | uvp | maloobchodní cena | vk preis | vk preis brutto
net weight: net weight | nettogewicht | poids net | peso neto | peso netto | peso líquido | waga netto
    | masa netto | čistá hmotnost | hmotnost netto | nettovikt | nettovægt | nettovekt | вес нетто | net ağırlık
gross weight: gross weight | bruttogewicht | poids brut | peso lordo | peso bruto | brutogewicht | waga brutto
    | masa brutto | hrubá hmotnost | hmotnost brutto | bruttovikt | bruttovægt | bruttovekt | вес брутто
    | brüt ağırlık
unit: unit | unit of measure | mengeneinheit | maßeinheit | einheit | unité | unidad | unidad de medida
    | unità di misura | unità | unidade | eenheid | الوحدة | jednostka | jednostka miary | jednotka
    | měrná jednotka | enhet | enhed | единица измерения | ед изм | birim | birimi | ölçü birimi ? uom | ед
    | einh | j m | mj | m j | um | jm
location: location | standort | lieu | emplacement | ubicación | ubicazione | localização | locatie | الموقع
    | lokalizacja | umístění | placering | lokasjon | местоположение | konum | lokasyon ? site | ort | local
    | place | miejsce | místo | место | yer | lokalita | plats
region: region | région | región | regione | região | regio | المنطقة | регион | bölge ? area | zone | oblast
    | obszar
year: year | jahr | année | año | anno | ano | jaar | السنة | العام | rok | год | yıl ? år
month: month | monat | mois | mes | mese | mês | maand | الشهر | miesiąc | měsíc | månad | måned | месяц ? ay
week: week | calendar week | woche | kalenderwoche | semaine | semana | settimana | الأسبوع | tydzień | týden
    | vecka | uge | uke | неделя | hafta ? kw
time: time | time of day | uhrzeit | heure | hora | ora | tijd | الوقت | godzina | czas | čas | klockslag
    | время | saat ? zeit | hodina | tid
age: age | alter | âge | edad | idade | leeftijd | العمر | wiek | věk | ålder | alder | возраст | yaş ? età
created date: created | created at | created on | creation date | date created | erstellt am | erstelldatum
    | erstellungsdatum | date de création | fecha de creación | data di creazione | data de criação
    | aanmaakdatum | تاريخ الإنشاء | data utworzenia | data dodania | datum vytvoření | vytvořeno | skapad
    | skapad datum | oprettet | opprettet | дата создания | создано | oluşturulma tarihi | eklenme tarihi
    | angelegt am | angelegt | créé le | date création | fecha creación | fecha de alta cliente | data creazione
    | creato il | data criação | criado em | creado el | aangemaakt op | created date | utworzono ? anlagedatum
    | fecha de registro | kayıt tarihi | registrerad | registrert | дата регистрации | data rejestracji
modified date: modified | modified at | last modified | updated at | last updated | geändert am | änderungsdatum
    | date de modification | fecha de modificación | data di modifica | data de alteração | wijzigingsdatum
    | تاريخ التعديل | data modyfikacji | ostatnia modyfikacja | datum změny | změněno | upraveno | ändrad
    | senast ändrad | ændret | endret | дата изменения | изменено | güncellenme tarihi | son güncelleme
    | modifié le | dernière modification | modificato il | ultima modifica | última modificación
    | última alteração | gewijzigd op | zuletzt geändert | letzte änderung | zmodyfikowano
id: id | identifier | ident | kennung | identifiant | identificador | identificativo | المعرف | identyfikator
    | identifikátor | идентификатор ? key | code | record id | lp | л п | sıra no | n п п | ид
middle name: middle name | second name | zweiter vorname | deuxième prénom | segundo nombre | secondo nome
    | drugie imię | prostřední jméno | mellannamn | отчество | ikinci ad
sku: sku | sku code | item sku | product sku | código sku | codice sku | code sku | kod sku | sku kodu
    | sku number | artikel sku | stock keeping unit | variant sku ? item number | product code
counterparty account: counterparty account | counterparty account number | counter account | gegenkonto
    | číslo protiúčtu | protiúčet | účet protistrany | číslo účtu protistrany | rachunek kontrahenta
    | numer konta kontrahenta | tegenrekening | tegenrekening iban | rekening tegenpartij | compte bénéficiaire
    | cuenta contraparte | motkonto | karşı hesap | счет контрагента ? kontrahent konto | iban
    | iban zahlungsbeteiligter
"""

# What words are put together of in German and Dutch (`Rechnungsnr`): what it is about, what of it.
_ABOUT = """
rechnungs factuur: invoice
bestell auftrags bestel order: order
kunden kunde klant klanten: customer
lieferanten leveranciers: supplier
mitarbeiter personal personeels medewerkers: employee
artikel waren: item
produkt product: product
liefer lever aflever: delivery
versand verzend: shipping
zahlungs betaal: payment
buchungs boekings: booking
vertrags contract: contract
projekt project: project
konto rekening: account
firmen bedrijfs: company
geburts geboorte: birth
steuer: tax
netto: net
brutto bruto: gross
gesamt totaal: total
sendungs zendings: shipment
tracking: tracking
lager: warehouse
wert: value
bank: bank
"""
_OF_IT = """
nummer nr no num: number
id kennung: id
datum: date
adresse anschrift adres: address
name naam: name
preis prijs: price
betrag bedrag summe: amount
menge anzahl: quantity
gewicht: weight
beschreibung bezeichnung text omschrijving: description
status: status
code: code
art typ soort: type
währung waehrung valuta: currency
einheit eenheid: unit
stadt plaats: city
land: country
telefon telefoon: phone
mail email: email
"""


def compounds() -> tuple[dict[str, str], dict[str, str]]:
    """(what words may begin with, what they may end with) -> what it means."""
    return _table(_ABOUT), _table(_OF_IT)


def _table(lines: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines.strip().splitlines():
        words, _, meaning = line.partition(": ")
        found |= dict.fromkeys(words.split(), meaning)
    return found


def meanings(bare: dict[int, str]) -> Iterator[tuple[str, list[str], list[str]]]:
    """(meaning, the phrases that mean it, those that may), translated by `bare`: words parted by blanks."""
    lines = LINES.replace("\n    ", " ").replace("-", " ").replace("'", " ").replace(".", " ").translate(bare)
    for line in lines.strip().splitlines():
        meaning, _, phrases = line.partition(":")
        sure, _, unsure = phrases.partition(" ? ")
        yield meaning, sure.split("|"), unsure.split("|") if unsure else []
